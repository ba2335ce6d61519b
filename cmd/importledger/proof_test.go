package main

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"importledger/adapters/api"
	"importledger/adapters/postgres/pgtest"
	"importledger/adapters/proof"
	"importledger/adapters/proof/prooftest"
)

// export reads the proof of an import.
func (c *client) export(t *testing.T, id string) []byte {
	t.Helper()
	response, err := c.do(t.Context(), call{method: http.MethodGet, path: importPath(id, "/audit"), accept: "application/x-ndjson"})
	if err != nil {
		t.Fatal(err)
	}
	file, err := io.ReadAll(response.Body)
	if err = errors.Join(err, response.Body.Close()); err != nil {
		t.Fatal(err)
	}
	return file
}

// exportKeys are the keys that a server publishes.
func (c *client) exportKeys(t *testing.T) []proof.PublicKey {
	t.Helper()
	response, err := http.Get(c.base + api.AuditKeysPath) // without a token
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(response.Body)
	if err = errors.Join(err, response.Body.Close()); err != nil {
		t.Fatal(err)
	}
	keys, err := proof.ReadKeys(text)
	if err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return keys
}

func verifyExport(t *testing.T, file []byte, o proof.Options) proof.Report {
	t.Helper()
	report, err := proof.Verify(bytes.NewReader(file), o)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// A whole import by the real program proves itself, and whatever is changed about its
// proof is found, and the event named.
func TestNoChangeOfAnExportStaysHidden(t *testing.T) {
	t.Parallel()
	draw, long := drawFaults(t)
	changes := 100
	if long {
		changes = 2000
	}
	s := startProcess(t, nil, "serve", "--data", filepath.Join(pgtest.Dir(t), "data"), "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0")
	c := s.serving()
	file := contactsOf{generation: 1, rows: 20_000}
	i, err := file.send(t.Context(), c, "A")
	if err == nil {
		_, err = c.toTheEnd(t.Context(), i.ID)
	}
	if err != nil {
		t.Fatal(err)
	}
	export, keys := c.export(t, i.ID), c.exportKeys(t)
	report := verifyExport(t, export, proof.Options{Keys: keys, CountRows: countRows,
		Source: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(file.text())), nil }})
	if !report.Verified || report.Rows != 20_000 || report.Accepted != file.good() || report.Rejected != file.bad() || len(report.Proved) != 5 || len(report.NotProved) != 0 {
		t.Fatalf("%+v, fault %+v", report, report.Fault)
	}
	for range changes {
		change := prooftest.Any(draw, export)
		fault := verifyExport(t, change.File, proof.Options{Keys: keys}).Fault
		if fault == nil || !slices.Contains(change.Codes, fault.Code) {
			t.Errorf("%s: found %+v", change.What, fault)
		} else if change.Revision >= 0 && (fault.Revision == nil || int(*fault.Revision) != change.Revision) {
			t.Errorf("%s: another event is named: %s", change.What, fault.Message)
		}
	}
}

// After a rotation both keys are published, so that what the old one signed still
// verifies; and each process signs with what it was given.
func TestAnOldKeyStillVerifiesAfterARotation(t *testing.T) {
	t.Parallel()
	data := filepath.Join(pgtest.Dir(t), "data")
	serve := func() (*process, *client) {
		p := startProcess(t, nil, "serve", "--data", data, "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0")
		return p, p.serving()
	}
	p, c := serve()
	i, err := contactsOf{generation: 1, rows: 100}.send(t.Context(), c, "one")
	if err == nil {
		_, err = c.toTheEnd(t.Context(), i.ID)
	}
	if err != nil {
		t.Fatal(err)
	}
	before, old := c.export(t, i.ID), c.exportKeys(t)
	p.stop()
	if info, err := os.Stat(filepath.Join(data, "audit.key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the key is kept as %v, %v", info, err)
	}
	if err := os.Remove(filepath.Join(data, "audit.key")); err != nil {
		t.Fatal(err)
	}
	_, c = serve()
	after, keys := c.export(t, i.ID), c.exportKeys(t)
	if len(old) != 1 || len(keys) != 2 || keys[1] != old[0] {
		t.Fatalf("published %v, then %v", old, keys)
	}
	first, second := verifyExport(t, before, proof.Options{Keys: keys}), verifyExport(t, after, proof.Options{Keys: keys})
	if !first.Verified || !second.Verified || first.Key.Key != keys[1] || second.Key.Key != keys[0] || first.Instance != second.Instance {
		t.Errorf("%+v\n%+v", first, second)
	}
	if refused := verifyExport(t, after, proof.Options{Keys: old}); refused.Fault == nil || refused.Fault.Code != proof.KeyUnknown {
		t.Errorf("%+v", refused.Fault)
	}
}
