package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Locks are advisory locks of this process's session: while one is held, no
// other process gets it, and the lock of a process that dies is gone at once.
//
// All locks of a Locks share one connection, taken from the pool with the first
// lock and given back with the last, so their number costs no connections. It
// needs a session: a pooler between us and Postgres must not be in transaction
// mode.
type Locks struct {
	pool      *pgxpool.Pool
	namespace string
	log       *slog.Logger
	heartbeat time.Duration

	mu      sync.Mutex
	session *lockSession // nil while nothing is held
}

// NewLocks returns locks whose keys do not meet those of another namespace.
func NewLocks(pool *pgxpool.Pool, namespace string, log *slog.Logger) *Locks {
	return &Locks{pool: pool, namespace: namespace, log: log, heartbeat: time.Second}
}

// lockSession is the connection that holds the locks.
type lockSession struct {
	conn *pgxpool.Conn
	held map[string]lockMode
	lost chan struct{} // closed when the locks are gone before they were released
	stop chan struct{} // closed when the last lock was released
}

// lockMode is how a lock is taken and given back.
type lockMode struct{ take, give string }

var (
	alone  = lockMode{"SELECT pg_try_advisory_lock($1)", "SELECT pg_advisory_unlock($1)"}
	shared = lockMode{"SELECT pg_try_advisory_lock_shared($1)", "SELECT pg_advisory_unlock_shared($1)"}
)

// TryLock takes the lock of a key if nobody holds it, this process included;
// ok tells. lost is closed when the connection, and with it the lock, is gone:
// within a second where Postgres says so, in six where it just falls silent.
// release gives the lock back; it may be called late and more than once.
func (l *Locks) TryLock(ctx context.Context, key string) (release func(), lost <-chan struct{}, ok bool, err error) {
	return l.try(ctx, key, alone)
}

// TryShare takes the lock of a key together with others who share it, unless
// somebody holds it alone. All else is as with TryLock.
func (l *Locks) TryShare(ctx context.Context, key string) (release func(), lost <-chan struct{}, ok bool, err error) {
	return l.try(ctx, key, shared)
}

func (l *Locks) try(ctx context.Context, key string, mode lockMode) (release func(), lost <-chan struct{}, ok bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.session != nil && l.session.held[key] != (lockMode{}) {
		return nil, nil, false, nil // Postgres would give it to its own session twice
	}
	s, err := l.acquire(ctx)
	if err != nil {
		return nil, nil, false, fmt.Errorf("lock %s: %w", l.namespace, err)
	}
	// The caller's end of patience must not break the connection that others' locks live on.
	asking, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	err = s.conn.QueryRow(asking, mode.take, lockID(l.namespace, key)).Scan(&ok)
	if err != nil {
		l.lose(s, err) // whether we got it is unknown: only the connection's end gives it back
		return nil, nil, false, fmt.Errorf("lock %s: %w", l.namespace, err)
	}
	if !ok {
		l.leave(s)
		return nil, nil, false, nil
	}
	s.held[key] = mode
	return sync.OnceFunc(func() { l.release(s, key) }), s.lost, true, nil
}

// acquire returns the session, a new one where there is none.
func (l *Locks) acquire(ctx context.Context) (*lockSession, error) {
	if l.session != nil {
		return l.session, nil
	}
	conn, err := l.pool.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	if err := noticeOurEnd(ctx, conn); err != nil {
		conn.Release()
		return nil, err
	}
	l.session = &lockSession{
		conn: conn, held: map[string]lockMode{},
		lost: make(chan struct{}), stop: make(chan struct{}),
	}
	go l.watch(l.session)
	return l.session, nil
}

// noticeOurEnd has Postgres end a session, and give its locks away, within some ten
// seconds of our machine's vanishing from the network; by itself it takes two hours.
// Of a process that dies it learns at once.
func noticeOurEnd(ctx context.Context, conn *pgxpool.Conn) error {
	_, err := conn.Exec(ctx, "SELECT set_config('tcp_keepalives_idle', '4', false), set_config('tcp_keepalives_interval', '2', false), set_config('tcp_keepalives_count', '3', false)")
	return err
}

func (l *Locks) release(s *lockSession, key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.session != s {
		return // lost meanwhile
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if _, err := s.conn.Exec(ctx, s.held[key].give, lockID(l.namespace, key)); err != nil {
		l.lose(s, err)
		return
	}
	delete(s.held, key)
	l.leave(s)
}

// leave gives the connection back when nothing is held any more.
func (l *Locks) leave(s *lockSession) {
	if len(s.held) > 0 {
		return
	}
	close(s.stop)
	s.conn.Release()
	l.session = nil
}

// lose tells every holder that its lock is gone, and makes sure that it is.
func (l *Locks) lose(s *lockSession, cause error) {
	if len(s.held) > 0 {
		l.log.Warn("the locks of this process are lost: its connection to Postgres broke", "namespace", l.namespace, "locks", len(s.held), "error", cause)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := s.conn.Hijack().Close(ctx); err != nil && !IsUnavailable(err) && !errors.Is(err, context.DeadlineExceeded) {
		l.log.Warn("closing the connection of the locks", "error", err)
	}
	close(s.stop)
	close(s.lost)
	l.session = nil
}

// watch asks the connection, while it is in use, whether it still lives.
func (l *Locks) watch(s *lockSession) {
	tick := time.NewTicker(l.heartbeat)
	defer tick.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-tick.C:
			l.beat(s)
		}
	}
}

func (l *Locks) beat(s *lockSession) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.session != s {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := s.conn.Ping(ctx); err != nil {
		l.lose(s, err)
	}
}

// lockID is the number of an advisory lock: the same in every process and
// version, for ever.
func lockID(namespace, key string) int64 {
	sum := sha256.Sum256([]byte("importledger/" + namespace + "\x00" + key))
	return int64(binary.BigEndian.Uint64(sum[:8]))
}
