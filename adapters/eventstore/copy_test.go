package eventstore

import (
	"errors"
	"fmt"
	"testing"

	"importledger/commands"
	"importledger/events"
)

// chained writes streams as the program does.
type chained struct {
	t    *testing.T
	log  *Log
	ends map[string]events.Place
}

func newChained(t *testing.T, log *Log) *chained {
	return &chained{t: t, log: log, ends: map[string]events.Place{}}
}

// add appends rows at the end of a stream, as one append.
func (c *chained) add(stream string, rows int) {
	c.t.Helper()
	encoder := events.NewEncoder(stream, events.Meta{At: 1_795_500_000_000})
	place := c.ends[stream]
	batch := make([]events.Proposed, rows)
	for i := range batch {
		e, next, err := encoder.Encode(place, events.RowAccepted{Row: int(place.Revision) + 1, Contact: events.Contact{Attributes: []byte(`{"email":"someone@example.org"}`)}})
		if err != nil {
			c.t.Fatal(err)
		}
		batch[i], place = e, next.Next()
	}
	mustAppend(c.t, c.log, stream, c.ends[stream].Revision, batch)
	c.ends[stream] = place
}

// interleaved is a log whose streams take turns, with events of others between.
func interleaved(t *testing.T) (log *Log, total uint64) {
	t.Helper()
	log = startServer(t).open(Config{})
	c := newChained(t, log)
	streams := []string{newStream(), events.SegmentStream("one"), newStream(), events.AccountStream}
	for turn := range 3 {
		for i, stream := range streams {
			c.add(stream, 1+turn+i)
			total += uint64(1 + turn + i)
		}
		mustAppend(t, log, "other-"+newStream(), 0, proposals(2))
	}
	return log, total
}

func everything(t *testing.T, l *Log) (all []events.Recorded) {
	t.Helper()
	for _, b := range catchUp(t, l, events.Position{}, 1000) {
		all = append(all, b.Events...)
	}
	return all
}

func wantSameLogs(t *testing.T, from, to *Log) {
	t.Helper()
	want, got := everything(t, from), everything(t, to)
	if len(got) != len(want) {
		t.Fatalf("the target has %d events, want %d", len(got), len(want))
	}
	for i := range want {
		if !sameEvent(&want[i], &got[i]) {
			t.Fatalf("event %d is %d@%s, want %d@%s", i, got[i].Revision, got[i].Stream, want[i].Revision, want[i].Stream)
		}
	}
}

// Whatever part of the log a copy had come to when it was killed, the next one goes on
// there, and one more has nothing to do.
func TestACopyGoesOnWhereverItWasEnded(t *testing.T) {
	t.Parallel()
	from, total := interleaved(t)
	all := everything(t, from)
	for cut := 0; cut <= len(all); cut += 3 {
		to := startServer(t).open(Config{})
		for _, e := range all[:cut] {
			mustAppend(t, to, e.Stream, e.Revision, []events.Proposed{proposal(&e)})
		}
		copying := Copy{From: from, To: to}
		result, err := copying.Run(t.Context())
		if err != nil {
			t.Fatalf("after %d events: %v", cut, err)
		}
		if result.Copied != total-uint64(cut) || result.Source != result.Target || result.Target.Events != total || result.Target.Streams != 4 {
			t.Errorf("after %d events: %+v", cut, result)
		}
		wantSameLogs(t, from, to)
		if again, err := copying.Run(t.Context()); err != nil || again.Copied != 0 || again.Target != result.Target {
			t.Errorf("once more: %+v, %v", again, err)
		}
	}
}

func TestACopySurvivesBothServersGoingAway(t *testing.T) {
	t.Parallel()
	source, target := startServer(t), startServer(t)
	c := newChained(t, source.open(quick))
	for range 5 {
		for _, stream := range []string{"import-a", "import-b"} {
			c.add(stream, 3000)
		}
	}
	from, to := source.open(quick), target.open(quick)
	reports := 0
	copying := Copy{From: from, To: to, Report: func(p CopyProgress) {
		if reports++; reports%4 == 0 {
			target.restart()
		} else if reports%4 == 2 {
			source.restart()
		}
	}}
	result, err := copying.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if result.Copied != 30_000 || result.Source != result.Target {
		t.Errorf("%+v", result)
	}
	wantSameLogs(t, from, to)
}

func wantRefusal(t *testing.T, err error, want *commands.Refusal) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("got %v, want %s", err, want.Code)
	}
}

func TestACopyRefusesATargetOfItsOwn(t *testing.T) {
	t.Parallel()
	from, total := interleaved(t)
	all := everything(t, from)
	for name, fill := range map[string]func(to *Log){
		"another ledger": func(to *Log) { newChained(t, to).add("import-other", 2) },
		"went on by itself": func(to *Log) {
			if _, err := (&Copy{From: from, To: to}).Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			newChained(t, to).add("import-other", 1)
		},
		"another order": func(to *Log) {
			last := all[len(all)-1]
			mustAppend(t, to, "import-other", 0, []events.Proposed{proposal(&last)})
		},
		"other bytes": func(to *Log) {
			changed := proposal(&all[0])
			changed.Data = []byte(`{}`)
			mustAppend(t, to, all[0].Stream, 0, []events.Proposed{changed})
		},
	} {
		t.Run(name, func(t *testing.T) {
			to := startServer(t).open(Config{})
			fill(to)
			before := mustHead(t, to)
			_, err := (&Copy{From: from, To: to}).Run(t.Context())
			wantRefusal(t, err, ErrCopyTargetDiffers)
			if after := mustHead(t, to); after != before {
				t.Errorf("it wrote to the target: %v, was %v", after, before)
			}
			result, err := (&Copy{From: from, To: to}).Verify(t.Context())
			wantRefusal(t, err, ErrCopyTargetDiffers)
			if result.Source.Events > total {
				t.Errorf("%+v", result)
			}
		})
	}
}

func TestVerifyingChangesNothing(t *testing.T) {
	t.Parallel()
	from, total := interleaved(t)
	to := startServer(t).open(Config{})
	copying := Copy{From: from, To: to}
	_, err := copying.Verify(t.Context())
	wantRefusal(t, err, ErrCopyTargetBehind)
	if head := mustHead(t, to); head != (events.Position{}) {
		t.Errorf("it wrote up to %v", head)
	}
	if _, err := copying.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	result, err := copying.Verify(t.Context())
	if err != nil || result.Source != result.Target || result.Source.Events != total {
		t.Errorf("%+v, %v", result, err)
	}
	newChained(t, from).add(newStream(), 1)
	_, err = copying.Verify(t.Context())
	wantRefusal(t, err, ErrCopyTargetBehind)
}

func TestACopyRefusesASourceThatIsNotWhatWasRecorded(t *testing.T) {
	t.Parallel()
	empty, to := startServer(t).open(Config{}), startServer(t).open(Config{})
	_, err := (&Copy{From: empty, To: to}).Run(t.Context())
	wantRefusal(t, err, ErrCopySourceEmpty)

	from, _ := interleaved(t)
	forged := startServer(t).open(Config{})
	for i, e := range everything(t, from) {
		p := proposal(&e)
		if i == 7 {
			p.Data = []byte(`{"row":1000}`)
		}
		mustAppend(t, forged, e.Stream, e.Revision, []events.Proposed{p})
	}
	_, err = (&Copy{From: forged, To: to}).Run(t.Context())
	wantRefusal(t, err, ErrCopySourceBroken)
}

func TestEventsFromBeforeThereWereChainsAreCopiedAndCounted(t *testing.T) {
	t.Parallel()
	from, to := startServer(t).open(Config{}), startServer(t).open(Config{})
	mustAppend(t, from, "import-old", 0, proposals(5))
	c := newChained(t, from)
	c.ends["import-old"] = events.Place{Revision: 5}
	c.add("import-old", 4)
	result, err := (&Copy{From: from, To: to}).Run(t.Context())
	if err != nil || result.Target.Unchained != 5 || result.Target.Events != 9 {
		t.Errorf("%+v, %v", result, err)
	}
	wantSameLogs(t, from, to)

	mustAppend(t, from, "import-old", 9, proposals(1))
	_, err = (&Copy{From: from, To: to}).Run(t.Context())
	wantRefusal(t, err, ErrCopySourceBroken)
}

// A source that is written to all the while is copied up to where it was.
func TestASourceThatIsInUseIsCopied(t *testing.T) {
	t.Parallel()
	from, to := startServer(t).open(Config{}), startServer(t).open(Config{})
	writing := newChained(t, from)
	writing.add("import-a", 2500)
	writing.add("import-a", 2500)
	copying := Copy{From: from, To: to, Report: func(CopyProgress) { writing.add("import-b", 10) }}
	result, err := copying.Run(t.Context())
	if err != nil || !result.WentOn || result.Source != result.Target || result.Copied < 5000 {
		t.Errorf("%+v, %v", result, err)
	}
	copying.Report = nil
	if result, err = copying.Run(t.Context()); err != nil || result.WentOn || result.Source != result.Target {
		t.Errorf("%+v, %v", result, err)
	}
	wantSameLogs(t, from, to)
}

// More streams than are remembered are followed all the same.
func TestChainsOfForgottenStreamsAreFollowed(t *testing.T) {
	t.Parallel()
	log := startServer(t).open(Config{})
	c := newChained(t, log)
	for range 3 {
		for i := range 5 {
			c.add(fmt.Sprintf("import-%d", i), 2)
		}
	}
	followed := newChains(log)
	followed.limit = 2
	for _, e := range everything(t, log) {
		if err := followed.follow(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		if len(followed.ends) > 2 {
			t.Fatalf("%d streams are remembered", len(followed.ends))
		}
	}
}
