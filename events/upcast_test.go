package events

import (
	"bytes"
	"errors"
	"testing"
)

// An event of an older version passes every upcaster on its way to today's shape.
func TestUpcasting(t *testing.T) {
	k := kindOf[ImportCanceled]("ImportCanceled", 3)
	k.upcast = map[int]func([]byte) ([]byte, error){
		1: func(data []byte) ([]byte, error) { return bytes.Replace(data, []byte("why"), []byte("cause"), 1), nil },
		2: func(data []byte) ([]byte, error) {
			return bytes.Replace(data, []byte("cause"), []byte("reason"), 1), nil
		},
	}
	ks := index(k)
	for version, data := range map[int]string{0: `{"why":"x"}`, 1: `{"why":"x"}`, 2: `{"cause":"x"}`, 3: `{"reason":"x"}`} {
		e, err := ks.read("ImportCanceled", version, []byte(data))
		if err != nil || e != (ImportCanceled{Reason: "x"}) {
			t.Errorf("version %d: %v, %v", version, e, err)
		}
	}
	if _, err := ks.read("ImportCanceled", 4, []byte(`{}`)); !errors.Is(err, ErrUnknownVersion) {
		t.Errorf("version 4 of 3: %v", err)
	}
	delete(k.upcast, 2)
	if _, err := index(k).read("ImportCanceled", 1, []byte(`{}`)); !errors.Is(err, ErrUnknownVersion) {
		t.Errorf("a gap between upcasters: %v", err)
	}
	broken := errors.New("broken")
	k.upcast[1] = func([]byte) ([]byte, error) { return nil, broken }
	if _, err := index(k).read("ImportCanceled", 1, []byte(`{}`)); !errors.Is(err, broken) {
		t.Errorf("a failing upcaster: %v", err)
	}
}
