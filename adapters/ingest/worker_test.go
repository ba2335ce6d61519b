package ingest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"importledger/aggregate"
	"importledger/events"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// locks grant each import once at a time.
type locks struct {
	mu   sync.Mutex
	held map[string]bool
}

func (l *locks) tryLock(_ context.Context, id string) (func(), <-chan struct{}, bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held[id] {
		return nil, nil, false, nil
	}
	l.held[id] = true
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.held, id)
	}, nil, true, nil
}

// endings tells of every import whose end is appended.
type endings struct {
	aggregate.Streams
	ended chan string
}

func (l endings) Append(ctx context.Context, stream string, expected uint64, batch []events.Proposed) (events.Position, error) {
	position, err := l.Streams.Append(ctx, stream, expected, batch)
	if err == nil && batch[len(batch)-1].Type == "ImportCompleted" {
		id, _ := events.ImportOfStream(stream)
		l.ended <- id
	}
	return position, err
}

func startWorker(t *testing.T, w *world, needs WorkerDeps) (worker *Worker, stop func()) {
	t.Helper()
	worker = NewWorker(w.deps, needs)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		worker.Run(ctx)
	}()
	return worker, func() {
		cancel()
		<-done
	}
}

func needs(l *locks) WorkerDeps {
	return WorkerDeps{
		Importing: func(context.Context) ([]string, error) { return nil, nil },
		TryLock:   l.tryLock, Concurrency: 4, Poll: 5 * time.Millisecond, RetryAfter: time.Millisecond,
	}
}

func TestTheWorkerDoesWhatItIsTold(t *testing.T) {
	w := newWorld(t)
	ended := make(chan string, 10)
	w.deps.Log = endings{w.deps.Log, ended}
	worker, stop := startWorker(t, w, needs(&locks{held: map[string]bool{}}))
	defer stop()
	s := NewService(w.deps, worker.Wake)
	id := mustCreate(t, s, fileOf(50)).ID
	if got := <-ended; got != id {
		t.Fatalf("%s ended, want %s", got, id)
	}
	w.wantImported(t, id, 50)
}

// Imports that nobody told of were left behind by a process that died: two
// workers find them, and each is worked off once.
func TestWorkersFindWhatWasLeftBehind(t *testing.T) {
	w := newWorld(t)
	var left []string
	for range 6 {
		left = append(left, mustCreate(t, w.service(), fileOf(30)).ID)
	}
	ended := make(chan string, 10)
	w.deps.Log = endings{w.deps.Log, ended}
	l := &locks{held: map[string]bool{}}
	n := needs(l)
	var mu sync.Mutex
	waiting := slices.Clone(left)
	n.Importing = func(context.Context) ([]string, error) {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(waiting), nil
	}
	n.Concurrency = 2
	_, stopFirst := startWorker(t, w, n)
	defer stopFirst()
	_, stopSecond := startWorker(t, w, n)
	defer stopSecond()
	for range left {
		id := <-ended
		mu.Lock()
		waiting = slices.DeleteFunc(waiting, func(other string) bool { return other == id })
		mu.Unlock()
	}
	for _, id := range left {
		w.wantImported(t, id, 30)
	}
}

// A list that is behind the log tells of imports that have ended. Each look at one
// reads all of its events, so there is only one.
func TestAnImportThatHasEndedIsNotLookedAtAgain(t *testing.T) {
	w := newWorld(t)
	id := mustCreate(t, w.service(), fileOf(30)).ID
	ended := make(chan string, 10)
	w.deps.Log = endings{w.deps.Log, ended}
	l := &locks{held: map[string]bool{}}
	n := needs(l)
	asked, claims := make(chan struct{}), 0
	n.Importing = func(ctx context.Context) ([]string, error) {
		select {
		case asked <- struct{}{}:
		case <-ctx.Done():
		}
		return []string{id}, nil
	}
	var mu sync.Mutex
	n.TryLock = func(ctx context.Context, id string) (func(), <-chan struct{}, bool, error) {
		mu.Lock()
		claims++
		mu.Unlock()
		return l.tryLock(ctx, id)
	}
	_, stop := startWorker(t, w, n)
	defer stop()
	<-asked
	if got := <-ended; got != id {
		t.Fatalf("%s ended, want %s", got, id)
	}
	for range 20 {
		<-asked
	}
	mu.Lock()
	defer mu.Unlock()
	if claims > 2 { // the second while the first was about to be noted
		t.Errorf("it was claimed %d times", claims)
	}
}

// What was left behind goes on right after a start, though the list that tells of it
// is some moments behind then.
func TestAStartedWorkerDoesNotWaitForItsPoll(t *testing.T) {
	w := newWorld(t)
	id := mustCreate(t, w.service(), fileOf(30)).ID
	ended := make(chan string, 10)
	w.deps.Log = endings{w.deps.Log, ended}
	n := needs(&locks{held: map[string]bool{}})
	n.Poll = time.Hour
	looks := 0
	n.Importing = func(context.Context) ([]string, error) {
		if looks++; looks < 4 {
			return nil, nil
		}
		return []string{id}, nil
	}
	_, stop := startWorker(t, w, n)
	defer stop()
	<-ended
	w.wantImported(t, id, 30)
}

func TestTheWorkerTriesAgainWhatMayPass(t *testing.T) {
	w := newWorld(t)
	id := mustCreate(t, w.service(), fileOf(30)).ID
	ended := make(chan string, 10)
	w.deps.Log = endings{&hookedLog{Streams: w.deps.Log, append: func(n int, do func() (events.Position, error)) (events.Position, error) {
		if n < 3 {
			return events.Position{}, aggregate.ErrLogUnavailable
		}
		return do()
	}}, ended}
	l := &locks{held: map[string]bool{}}
	n := needs(l)
	asked := 0
	n.Importing = func(context.Context) ([]string, error) {
		if asked++; asked == 1 {
			return nil, errors.New("database away")
		}
		return []string{id}, nil
	}
	_, stop := startWorker(t, w, n)
	defer stop()
	<-ended
	w.wantImported(t, id, 30)
}
