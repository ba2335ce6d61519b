package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"path/filepath"
	"strings"
	"time"
)

// worstFile is a file that is expensive for a careless reader, and the code that it
// is refused with.
type worstFile struct {
	name, code string
	content    func() []byte
}

const worstBytes = 20_000_000 // the most that is accepted

var worstFiles = []worstFile{
	{"commas", "too-many-columns", func() []byte { return filled("", ",") }},
	{"quotes", "row-too-long", func() []byte { return filled("", `"`) }},
	{"one-line", "row-too-long", func() []byte { return filled("", "x") }},
	{"101-columns", "too-many-columns", func() []byte { return filled(columns(101), strings.Repeat("cell,", 100)+"cell\n") }},
	{"20001-rows", "too-many-rows", func() []byte {
		return filled("a,b\n", strings.Repeat("x", 494)+","+strings.Repeat("y", 494)+"\n")[:4+990*20_001]
	}},
	{"duplicate-headers", "header-duplicate", func() []byte { return filled("a,b,a\n", "cell,cell,cell\n") }},
	{"nul", "encoding-invalid", func() []byte { return filled("", "\x00") }},
	{"nul-at-the-end", "encoding-invalid", func() []byte {
		file := filled("a,b\n", strings.Repeat("x", 1500)+",y\n")
		file[len(file)-1] = 0
		return file
	}},
	{"over-the-limit", "file-too-large", func() []byte { return append(filled("a,b\n", "1,2\n"), "1,2\n"...) }},
}

// filled is a head and a unit repeated, of the most bytes that are accepted.
func filled(head, unit string) []byte {
	file := make([]byte, 0, worstBytes)
	file = append(file, head...)
	for len(file) < worstBytes {
		file = append(file, unit[:min(len(unit), worstBytes-len(file))]...)
	}
	return file
}

func columns(n int) string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprint("column", i)
	}
	return strings.Join(names, ",") + "\n"
}

// worst uploads the worst files and measures how long each refusal takes, and the
// highest resident memory of the server over all of them.
func worst(ctx context.Context, b *bench) (_ []figure, err error) {
	database, err := b.newDatabase(ctx)
	if err != nil {
		return nil, err
	}
	p, err := startProduct(ctx, b.binary, filepath.Join(b.dir, "worst-file"), "IMPORTLEDGER_DATABASE_URL="+database)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	var figures []figure
	slowest := make([]float64, b.runs)
	fast := func(v, _ float64) bool { return v < 2 }
	for _, w := range worstFiles {
		content := w.content()
		var runs []float64
		for run := range b.runs {
			took, code, err := p.refused(ctx, content)
			if err != nil {
				return nil, err
			}
			if code != w.code {
				return nil, fmt.Errorf("%s: refused with %s, want %s", w.name, code, w.code)
			}
			runs = append(runs, took.Seconds())
			slowest[run] = max(slowest[run], took.Seconds())
		}
		figures = append(figures, measured("worst-file-"+w.name, "s", runs, nil, "< 2 s", fast))
	}
	figures = append(figures, measured("worst-file", "s", slowest, nil, "< 2 s", fast))
	peak, err := p.peakRSS()
	if err != nil {
		return nil, err
	}
	return append(figures, measured("worst-file-memory", "MB", []float64{peak / 1e6}, nil, "< 150 MB", func(v, _ float64) bool { return v < 150 })), nil
}

// refused takes the time from the first byte of an upload to its refusal.
func (p *product) refused(ctx context.Context, content []byte) (took time.Duration, code string, err error) {
	r, w := io.Pipe()
	form := multipart.NewWriter(w)
	go func() {
		part, err := form.CreateFormFile("file", "worst.csv")
		if err == nil {
			_, err = part.Write(content)
		}
		w.CloseWithError(errors.Join(err, form.Close()))
	}()
	begin := time.Now()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url+"/people/imports", r)
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("Authorization", "Bearer "+p.token)
	req.Header.Set("Content-Type", form.FormDataContentType())
	resp, err := p.client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer func() { err = errors.Join(err, resp.Body.Close()) }()
	text, err := io.ReadAll(resp.Body)
	took = time.Since(begin)
	var answer struct{ Error struct{ Code string } }
	if err == nil {
		err = json.Unmarshal(text, &answer)
	}
	if err == nil && resp.StatusCode != http.StatusUnprocessableEntity && resp.StatusCode != http.StatusRequestEntityTooLarge {
		err = fmt.Errorf("status %d: %s", resp.StatusCode, bytes.TrimSpace(text))
	}
	return took, answer.Error.Code, err
}
