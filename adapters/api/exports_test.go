package api_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"importledger/adapters/api"
	"importledger/events"
)

// exports write a line for each event; what is signed is not the API's matter.
type exports struct{ log *ledger }

func (x exports) Export(ctx context.Context, importID string, w io.Writer) error {
	for e, err := range x.log.Read(ctx, events.ImportStream(importID), 0) {
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "%d %s\n", e.Revision, e.Type); err != nil {
			return err
		}
		if e.Type == "ImportCanceled" {
			return errors.New("the log broke off")
		}
	}
	return nil
}

func (exports) Keys(context.Context) (string, []api.ExportKey, error) {
	return "ledger-1", []api.ExportKey{{ID: "kid-2", X: "new", Since: time.UnixMilli(2), Current: true}, {ID: "kid-1", X: "old", Since: time.UnixMilli(1)}}, nil
}

func TestAnImportIsExportedAsAFile(t *testing.T) {
	w := newWorld(t)
	w.imported()
	got := w.get("/people/imports/" + importID + "/audit").is(200)
	if lines := strings.Split(string(got.body), "\n"); len(lines) != 7 || lines[0] != "0 ImportStarted" || lines[5] != "5 ImportCompleted" {
		t.Errorf("%q", lines)
	}
	if got.header.Get("Content-Type") != "application/x-ndjson" || got.header.Get("Content-Disposition") != "attachment; filename="+importID+"-audit.jsonl" {
		t.Errorf("%v", got.header)
	}
	w.get("/people/imports/01ARZ3NDEKTSV4RRFFQ69G5FAV/audit").fails(404, "import-not-found")
	w.log.set(func(l *ledger) { l.away = true })
	w.get("/people/imports/"+importID+"/audit").fails(503, "event-store-unavailable")
}

func TestAnExportThatBreaksOffIsNotTakenForTheWhole(t *testing.T) {
	w := newWorld(t)
	w.upload(part{"file", "contacts.csv", threeRows}).is(201)
	w.do("POST", "/people/imports/"+importID+"/cancel", `{}`).is(200)
	res, err := w.server.Client().Do(w.request(http.MethodGet, "/people/imports/"+importID+"/audit", ""))
	if err == nil {
		_, err = io.ReadAll(res.Body)
		res.Body.Close()
	}
	if err == nil {
		t.Error("the answer ends as if it were whole")
	}
}

func TestKeysOfExportsArePublishedToEverybody(t *testing.T) {
	w := newWorld(t)
	r := w.request("GET", "/.well-known/importledger-audit-keys", "")
	r.Header.Del("Authorization")
	set := w.send(r).is(200).json()
	keys := set["keys"].([]any)
	first := keys[0].(map[string]any)
	if set["instance"] != "ledger-1" || len(keys) != 2 || first["kty"] != "OKP" || first["crv"] != "Ed25519" || first["x"] != "new" || first["kid"] != "kid-2" || first["alg"] != "EdDSA" || first["current"] != true {
		t.Errorf("%v", set)
	}
}
