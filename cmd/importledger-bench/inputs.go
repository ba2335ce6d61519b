package main

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
)

// input is a file that is the same at every run of a generation: its rows are
// about other contacts in each, so that repeated runs insert and do not update.
type input struct {
	name    string
	rows    int
	columns int
	width   int // characters of a filler cell
}

// The inputs that the goals speak of.
var (
	inputA = input{name: "A", rows: 20_000, columns: 10, width: 9}
	inputB = input{name: "B", rows: 20_000, columns: 100, width: 8}
	inputC = input{name: "C", rows: 1_000_000, columns: 10, width: 9}
)

// badEvery is how often a row is in error: one in a hundred.
const badEvery = 100

func (in input) bad() int { return in.rows / badEvery }

// named columns come first; the rest are filler attributes.
var named = []string{"email", "firstName", "lastName", "phone", "language", "vip", "score"}

func (in input) header() []string {
	header := append([]string{}, named...)
	for i := len(named); i < in.columns; i++ {
		header = append(header, fmt.Sprintf("attr%02d", i))
	}
	return header
}

// attributeType gives the type that a column of the inputs is created with, empty
// for reserved attributes.
func attributeType(column string) string {
	switch column {
	case "email", "phone", "language":
		return ""
	case "vip":
		return "boolean"
	case "score":
		return "number"
	}
	return "string"
}

func (in input) write(dir string, generation int) (path string, err error) {
	path = filepath.Join(dir, fmt.Sprintf("%s-%d.csv", in.name, generation))
	file, err := os.Create(path)
	if err != nil {
		return "", err
	}
	w := bufio.NewWriterSize(file, 1<<20)
	in.writeTo(w, generation)
	if err := w.Flush(); err != nil {
		return "", err
	}
	return path, file.Close()
}

// writeTo leaves errors to the writer, which keeps the first.
func (in input) writeTo(w *bufio.Writer, generation int) {
	for i, h := range in.header() {
		separate(w, i)
		w.WriteString(h)
	}
	w.WriteByte('\n')
	draw := rand.New(rand.NewPCG(uint64(in.rows), uint64(generation)))
	cell := make([]byte, 0, 64)
	for row := range in.rows {
		for column := range in.columns {
			separate(w, column)
			cell = in.cell(cell[:0], draw, generation, row, column)
			w.Write(cell)
		}
		w.WriteByte('\n')
	}
}

func separate(w io.ByteWriter, column int) {
	if column > 0 {
		w.WriteByte(',')
	}
}

const letters = "abcdefghijklmnopqrstuvwxyz"

func (in input) cell(cell []byte, draw *rand.Rand, generation, row, column int) []byte {
	switch column {
	case 0:
		cell = append(cell, "c"...)
		cell = strconv.AppendInt(cell, int64(generation), 10)
		cell = append(cell, '.')
		cell = strconv.AppendInt(cell, int64(row), 10)
		if row%badEvery == badEvery-1 {
			return append(cell, " at example.com"...)
		}
		return append(cell, "@example.com"...)
	case 3:
		return strconv.AppendInt(append(cell, "3247"...), 1000000+draw.Int64N(9000000), 10)
	case 4:
		return append(cell, [...]string{"en", "fr", "nl", "de"}[draw.IntN(4)]...)
	case 5:
		return append(cell, [...]string{"yes", "no"}[draw.IntN(2)]...)
	case 6:
		return strconv.AppendInt(cell, draw.Int64N(1000), 10)
	}
	for range in.width {
		cell = append(cell, letters[draw.IntN(len(letters))])
	}
	return cell
}
