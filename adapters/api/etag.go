package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"importledger/aggregate"
)

// importShape is part of an Import's tag: raise it when importObject changes, so
// that a tag never means two answers.
const importShape = "1"

// importTag is the strong validator of an Import: its revision says all of it.
func importTag(s aggregate.Import) string { return `"` + number(s.Events-1) + "-" + importShape + `"` }

// serveTagged answers a GET of one object with a strong ETag, and with 304 to a
// client that has it already. The tag is the handler's, or a digest of the answer,
// which is never wrong about it.
func (a *API) serveTagged(w http.ResponseWriter, r *http.Request) {
	held := &heldAnswer{ResponseWriter: w}
	a.mux.ServeHTTP(held, r)
	if held.status == http.StatusOK {
		tag := w.Header().Get("ETag")
		if tag == "" {
			tag = digestTag(held.body.Bytes())
			w.Header().Set("ETag", tag)
		}
		if listsTag(r.Header.Get("If-None-Match"), tag) {
			w.Header().Del("Content-Type")
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	if held.status != 0 {
		w.WriteHeader(held.status)
	}
	if _, err := w.Write(held.body.Bytes()); err != nil && r.Context().Err() == nil {
		a.notSent(r, err)
	}
}

func digestTag(answer []byte) string {
	sum := sha256.Sum256(answer)
	return `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`
}

// tagOf is the tag that a GET of an object answers with.
func tagOf(object any) (string, error) {
	var answer bytes.Buffer
	err := jsonFormat.Marshal(&answer, object)
	return digestTag(answer.Bytes()), err
}

// heldAnswer keeps a small answer back until all of it is known.
type heldAnswer struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (h *heldAnswer) WriteHeader(status int) {
	if h.status == 0 {
		h.status = status
	}
}

func (h *heldAnswer) Write(p []byte) (int, error) {
	h.WriteHeader(http.StatusOK)
	return h.body.Write(p)
}

// Unwrap lets http.ResponseController reach the connection.
func (h *heldAnswer) Unwrap() http.ResponseWriter { return h.ResponseWriter }

// listsTag tells whether a list of tags (RFC 9110 §13.1) names one, or is * for any.
func listsTag(list, tag string) bool {
	for one := range strings.SplitSeq(list, ",") {
		one = strings.TrimPrefix(strings.TrimSpace(one), "W/")
		if one == "*" || one == tag {
			return true
		}
	}
	return false
}

// IfMatchHeader lets a client change only what it has seen.
type IfMatchHeader struct {
	IfMatch string `header:"If-Match" maxLength:"1000" doc:"The ETag of the state that the change is meant for; 412 when it is another by now."`
}

// meant refuses a change that was meant for another state.
func (h IfMatchHeader) meant(tag func() (string, error)) error {
	if h.IfMatch == "" {
		return nil
	}
	now, err := tag()
	if err == nil && !listsTag(h.IfMatch, now) {
		err = answer(http.StatusPreconditionFailed, "precondition-failed", "This was changed since you read it. Read it again, then decide.").with("ETag", now)
	}
	return err
}

// describeTag says in the document what serveTagged does.
func describeTag(op *huma.Operation) {
	op.Parameters = append(op.Parameters, &huma.Param{Name: "If-None-Match", In: "header", Description: "The ETag of an answer that you have: 304 when it is still right.",
		Schema: &huma.Schema{Type: huma.TypeString}})
	ok := op.Responses["200"]
	if ok.Headers == nil {
		ok.Headers = map[string]*huma.Param{}
	}
	ok.Headers["ETag"] = &huma.Param{Description: "Strong: the same tag, the same answer.", Schema: &huma.Schema{Type: huma.TypeString}}
	op.Responses["304"] = &huma.Response{Description: "The answer that you have is still right"}
}
