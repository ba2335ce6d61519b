package notify

import (
	"context"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
)

const (
	queueSchema  = "queue"
	webhookQueue = "webhooks"
	mailQueue    = "mail"

	// sendWithin bounds one attempt. A job that takes longer than jobWithin was left
	// by a process that is gone, and is taken up again after rescueAfter.
	sendWithin  = 20 * time.Second
	jobWithin   = 40 * time.Second
	rescueAfter = 90 * time.Second
)

// pauses are those between attempts; together a little less than patience.
var pauses = []time.Duration{
	5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour, 10 * time.Hour, 12 * time.Hour, 16 * time.Hour, 16 * time.Hour,
}

// backoff is the pause behind an attempt, from 1.
func backoff(attempt int) time.Duration { return pauses[min(attempt, len(pauses))-1] }

// nextTry is when a job that failed is tried again: up to a twentieth of the pause
// earlier than others, so that a receiver that was away is not called by all at once.
func (n *Notifier) nextTry(job *river.Job[deliver]) time.Time {
	pause := n.backoff(job.Attempt)
	return n.Now().Add(pause - pause/20*time.Duration(job.ID%16)/16)
}

// deliver is a job: send one message.
type deliver struct {
	Delivery int64 `json:"delivery"`
	ByHand   bool  `json:"byHand,omitempty"` // somebody asked for it: sent even if it was before, and tried once
}

// Kind names the job in the queue's tables, for ever.
func (deliver) Kind() string { return "deliver" }

// worker sends messages.
type worker struct {
	river.WorkerDefaults[deliver]
	notifier *Notifier
}

func (w *worker) Work(ctx context.Context, job *river.Job[deliver]) error {
	return w.notifier.work(ctx, job)
}

func (w *worker) NextRetry(job *river.Job[deliver]) time.Time {
	return w.notifier.nextTry(job)
}

func (n *Notifier) newQueue() (*river.Client[pgx.Tx], error) {
	workers := river.NewWorkers()
	if err := river.AddWorkerSafely(workers, &worker{notifier: n}); err != nil {
		return nil, err
	}
	queues := map[string]river.QueueConfig{webhookQueue: {MaxWorkers: 8}}
	if n.Mail != nil { // else another process sends it, or this one once it can
		queues[mailQueue] = river.QueueConfig{MaxWorkers: 4}
	}
	return river.NewClient(riverpgxv5.New(n.DB), &river.Config{
		Schema: queueSchema, Queues: queues, Workers: workers, MaxAttempts: len(pauses) + 1,
		JobTimeout: jobWithin, RescueStuckJobsAfter: rescueAfter,
		FetchPollInterval: n.Poll,
		Logger:            slog.New(discretion{n.Logger.Handler()}),
	})
}

// enqueue adds the jobs of new deliveries.
func (n *Notifier) enqueue(ctx context.Context, tx pgx.Tx, hooks, mails []int64) error {
	var jobs []river.InsertManyParams
	for _, id := range hooks {
		jobs = append(jobs, river.InsertManyParams{Args: deliver{Delivery: id}, InsertOpts: &river.InsertOpts{Queue: webhookQueue}})
	}
	for _, id := range mails {
		jobs = append(jobs, river.InsertManyParams{Args: deliver{Delivery: id}, InsertOpts: &river.InsertOpts{Queue: mailQueue}})
	}
	if len(jobs) == 0 {
		return nil
	}
	_, err := n.queue.InsertManyTx(ctx, tx, jobs)
	return err
}

// discretion keeps of the queue's log what an operator has to know: its own trouble. A
// message that could not be sent is in the list of attempts.
type discretion struct{ slog.Handler }

func (d discretion) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && d.Handler.Enabled(ctx, level)
}

func (d discretion) Handle(ctx context.Context, r slog.Record) error {
	ours := false
	r.Attrs(func(a slog.Attr) bool {
		ours = ours || a.Key == "job_kind"
		return !ours
	})
	if ours {
		return nil
	}
	return d.Handler.Handle(ctx, r)
}

func (d discretion) WithAttrs(attrs []slog.Attr) slog.Handler {
	return discretion{d.Handler.WithAttrs(attrs)}
}

func (d discretion) WithGroup(name string) slog.Handler {
	return discretion{d.Handler.WithGroup(name)}
}
