package main

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestDoctorFailsWhereNobodyCanReadIt(t *testing.T) {
	t.Parallel()
	full, out := io.Pipe()
	if err := full.CloseWithError(errors.New("no space left")); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	status := run(t.Context(), []string{"doctor", "--data", t.TempDir()}, strings.NewReader(""), out, &said, nil)
	if status != exitFailed || !strings.Contains(said.String(), "no space left") {
		t.Errorf("exit status %d\n%s", status, said.String())
	}
}
