package connectors

import (
	"context"
	"errors"
	"testing"
	"time"

	"importledger/aggregate"
	"importledger/events"
)

// bring keeps a sample as a user does who chooses a file.
func (w *world) bring(t *testing.T, by string) Sample {
	t.Helper()
	s, err := w.AnnounceSample(t.Context(), by, Sample{Started: events.ImportStarted{File: events.File{Name: "daily.csv", Header: []string{"E-mail"}}}, Choices: []byte(`{"step":1}`)})
	if err != nil {
		t.Fatal(err)
	}
	w.store(s)
	if err := w.StoredSample(t.Context(), s.ID); err != nil {
		t.Fatal(err)
	}
	return s
}

func (w *world) store(s Sample) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.blobs[s.Key()] = []byte("E-mail\na@example.org\n")
}

func (w *world) stored() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.blobs)
}

func (w *world) later(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func TestASampleIsItsOwnersAndLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.bring(t, "ann")
	if err := w.SaveSample(t.Context(), "ann", s.ID, []byte(`{"step": 2}`)); err != nil {
		t.Fatal(err)
	}
	found, err := w.Sample(t.Context(), "ann", s.ID)
	if err != nil || string(found.Choices) != `{"step": 2}` || found.Started.File.Name != "daily.csv" || found.ConnectorID != "" {
		t.Errorf("%+v, %v", found, err)
	}
	if _, err := w.Sample(t.Context(), "bob", s.ID); !errors.Is(err, ErrNoSample) {
		t.Errorf("somebody else's: %v", err)
	}
	if err := w.SaveSample(t.Context(), "bob", s.ID, []byte(`{}`)); !errors.Is(err, ErrNoSample) {
		t.Errorf("somebody else saves: %v", err)
	}
	if err := w.RemoveSample(t.Context(), "bob", s.ID); err != nil || w.stored() != 1 {
		t.Errorf("somebody else removes: %v, %d stored", err, w.stored())
	}
	for range 2 {
		if err := w.RemoveSample(t.Context(), "ann", s.ID); err != nil || w.stored() != 0 {
			t.Errorf("removed: %v, %d stored", err, w.stored())
		}
	}
	if _, err := w.Sample(t.Context(), "ann", s.ID); !errors.Is(err, ErrNoSample) {
		t.Errorf("after its removal: %v", err)
	}
}

func TestSamplesLeaveByThemselves(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	old, young := w.bring(t, "ann"), w.bring(t, "ann")
	lost, err := w.AnnounceSample(t.Context(), "ann", Sample{Choices: []byte(`{}`)})
	if err != nil {
		t.Fatal(err)
	}
	w.store(lost) // and then its process died
	w.later(samplesKept - time.Hour)
	if err := w.SaveSample(t.Context(), "ann", young.ID, []byte(`{}`)); err != nil {
		t.Fatal(err)
	}
	w.later(2 * time.Hour)
	if err := w.sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Sample(t.Context(), "ann", old.ID); !errors.Is(err, ErrNoSample) {
		t.Errorf("the old one: %v", err)
	}
	if _, err := w.Sample(t.Context(), "ann", young.ID); err != nil || w.stored() != 1 {
		t.Errorf("the young one: %v, %d stored", err, w.stored())
	}
	// A process that was taken for dead learns of it, and its bytes go.
	w.store(lost)
	if err := w.StoredSample(t.Context(), lost.ID); !errors.Is(err, errSwept) || w.stored() != 1 {
		t.Errorf("stored after all: %v, %d stored", err, w.stored())
	}
}

func TestASampleWhoseBytesCannotBeRemovedIsSweptLater(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.bring(t, "ann")
	remove := w.deps.RemoveBlob
	w.deps.RemoveBlob = func(context.Context, string) error { return errors.New("the store is away") }
	if err := w.RemoveSample(t.Context(), "ann", s.ID); err == nil {
		t.Error("nothing was said")
	}
	w.deps.RemoveBlob = remove
	if err := w.sweep(t.Context()); err != nil || w.stored() != 0 {
		t.Errorf("%v, %d stored", err, w.stored())
	}
}

func TestAUserHasFewSamplesAtATime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first, other := w.bring(t, "ann"), w.bring(t, "bob")
	for range samplesMost {
		w.bring(t, "ann")
	}
	if err := w.sweep(t.Context()); err != nil || w.stored() != samplesMost+1 {
		t.Errorf("%v, %d stored", err, w.stored())
	}
	if _, err := w.Sample(t.Context(), "ann", first.ID); !errors.Is(err, ErrNoSample) {
		t.Errorf("the first: %v", err)
	}
	if _, err := w.Sample(t.Context(), "bob", other.ID); err != nil {
		t.Errorf("somebody else's: %v", err)
	}
}

func TestAConnectorIsMadeOnceFromItsSample(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.bring(t, "ann")
	wish := Wish{ID: s.ID, Name: "Daily", Protocol: SFTP, Username: Username("Daily", s.ID), Password: true, Template: aggregate.Template{Header: []string{"E-mail"}}}
	made, _, err := w.Create(t.Context(), wish)
	if err != nil || made.ID != s.ID {
		t.Fatalf("%+v, %v", made, err)
	}
	if _, _, err := w.Create(t.Context(), wish); !errors.Is(err, ErrMade) {
		t.Errorf("again: %v", err)
	}
	wish.Username = "another"
	if _, _, err := w.Create(t.Context(), wish); !errors.Is(err, ErrMade) {
		t.Errorf("again, called otherwise: %v", err)
	}
}
