package main

import (
	"bufio"
	"io"
	"strings"

	"github.com/mattn/go-runewidth"
)

const (
	columnGap   = "  "
	cellWidth   = 60   // longer cells are cut, so that a row stays a row
	rowsAtATime = 1000 // laid out together: a long table needs no more memory than that
)

// table lays out rows in aligned columns.
type table struct {
	w      io.Writer
	head   []string
	right  map[int]bool // columns of numbers
	widths []int
	rows   [][]string
	indent string
	color  bool
	begun  bool
	err    error
}

func (t *terminal) newTable(head ...string) *table {
	return newTable(t.out, t.outColor, head...)
}

func newTable(w io.Writer, color bool, head ...string) *table {
	t := &table{w: w, head: head, right: map[int]bool{}, widths: make([]int, len(head)), color: color}
	for i, h := range head {
		t.widths[i] = runewidth.StringWidth(h)
	}
	return t
}

// numbers aligns columns to the right.
func (t *table) numbers(columns ...int) *table {
	for _, c := range columns {
		t.right[c] = true
	}
	return t
}

func (t *table) row(cells ...string) {
	for i, c := range cells {
		cells[i] = printable(c)
		if i < len(cells)-1 { // the last column may be as long as it is
			cells[i] = runewidth.Truncate(cells[i], cellWidth, "…")
		}
		t.widths[i] = max(t.widths[i], runewidth.StringWidth(cells[i]))
	}
	t.rows = append(t.rows, cells)
	if len(t.rows) == rowsAtATime {
		t.write()
	}
}

// flush writes what is left and tells whether everything could be written.
func (t *table) flush() error {
	t.write()
	return t.err
}

func (t *table) write() {
	w := bufio.NewWriter(t.w)
	if !t.begun && strings.Join(t.head, "") != "" {
		line := t.line(t.head)
		if t.color {
			line = dim(line)
		}
		w.WriteString(line + "\n")
	}
	t.begun = true
	for _, row := range t.rows {
		w.WriteString(t.line(row) + "\n")
	}
	t.rows = t.rows[:0]
	if err := w.Flush(); err != nil && t.err == nil { // Flush tells of the writes before it too
		t.err = err
	}
}

func (t *table) line(cells []string) string {
	var b strings.Builder
	b.WriteString(t.indent)
	for i, c := range cells {
		if i > 0 {
			b.WriteString(columnGap)
		}
		padding := strings.Repeat(" ", max(0, t.widths[i]-runewidth.StringWidth(c)))
		if t.right[i] {
			b.WriteString(padding + c)
		} else {
			b.WriteString(c + padding)
		}
	}
	return strings.TrimRight(b.String(), " ")
}

func dim(s string) string { return "\x1b[2m" + s + "\x1b[0m" }
