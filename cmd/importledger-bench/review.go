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
	"os"
	"path/filepath"
	"reflect"
	"time"
)

// reviewed is what a review says, as far as an import can say the same.
type reviewed struct {
	Acceptable int          `json:"acceptable"`
	InError    int          `json:"inError"`
	Errors     []errorGroup `json:"errors"`
}

type errorGroup struct {
	Code   string `json:"code"`
	Column string `json:"column"`
	Count  int    `json:"count"`
	Rows   []int  `json:"rows"`
}

// review measures reviews of A, from the request to the answer, and holds what they
// say against what the import then does.
func review(ctx context.Context, b *bench) (_ []figure, err error) {
	database, err := b.newDatabase(ctx)
	if err != nil {
		return nil, err
	}
	p, err := startProduct(ctx, b.binary, filepath.Join(b.dir, "review"), "IMPORTLEDGER_DATABASE_URL="+database)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	path, err := inputA.write(b.dir, 0)
	if err != nil {
		return nil, err
	}
	imp, err := p.prepared(ctx, path)
	if err != nil {
		return nil, err
	}
	wish, err := json.Marshal(map[string]any{"mapping": inputA.mapping()})
	if err != nil {
		return nil, err
	}
	var runs []float64
	var said reviewed
	for run := range b.runs + 1 { // the first warms up
		begin := time.Now()
		if err := p.call(ctx, http.MethodPost, "/people/imports/"+imp.ID+"/review", "application/json", bytes.NewReader(wish), &said); err != nil {
			return nil, err
		}
		if run > 0 {
			runs = append(runs, time.Since(begin).Seconds())
		}
	}
	if err := p.call(ctx, http.MethodPut, "/people/imports/"+imp.ID+"/mapping", "application/json", bytes.NewReader(wish), &imp); err != nil {
		return nil, err
	}
	done, err := p.ended(ctx, imp.ID)
	if err == nil && !reflect.DeepEqual(said, done) {
		err = fmt.Errorf("the review said %+v, the import did %+v", said, done)
	}
	return []figure{measured("review-A", "s", runs, nil, "< 0.3 s", func(v, _ float64) bool { return v < 0.3 })}, err
}

// prepared uploads a file without saying what its columns mean.
func (p *product) prepared(ctx context.Context, path string) (imp imported, err error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return imp, err
	}
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("file", filepath.Base(path))
	if err == nil {
		_, err = io.Copy(part, bytes.NewReader(content))
	}
	if err = errors.Join(err, form.Close()); err != nil {
		return imp, err
	}
	return imp, p.call(ctx, http.MethodPost, "/people/imports", form.FormDataContentType(), &body, &imp)
}

// ended waits for an import's end, and for all of its errors, and says it as a
// review would have.
func (p *product) ended(ctx context.Context, id string) (done reviewed, err error) {
	var imp imported
	err = poll(ctx, 20*time.Millisecond, time.Minute, func() (bool, error) {
		if err := p.call(ctx, http.MethodGet, "/people/imports/"+id, "", nil, &imp); err != nil || imp.State != "imported" {
			return false, err
		}
		return p.modelsLevel(ctx, true)
	})
	if err != nil {
		return done, err
	}
	var errorsOf struct{ Groups []errorGroup }
	err = p.call(ctx, http.MethodGet, "/people/imports/"+id+"/errors?pageSize=1&groups=true", "", nil, &errorsOf)
	return reviewed{Acceptable: imp.RowsImported, InError: imp.RowsInError, Errors: errorsOf.Groups}, err
}
