package connectors

import (
	"container/list"
	"net"
	"sync"
	"time"
)

// Gate bounds the clients that have connected and not shown yet who they are. When
// there are too many, the one that has been at it the longest makes room: whoever
// means it is done in a second, whoever holds doors open is the first to go.
type Gate struct {
	most   int
	within time.Duration

	mu      sync.Mutex
	waiting *list.List // of *applying, the longest first
}

type applying struct {
	conn  net.Conn
	timer *time.Timer
}

// NewGate makes a gate for so many clients, each of which has so long.
func NewGate(most int, within time.Duration) *Gate {
	return &Gate{most: most, within: within, waiting: list.New()}
}

// Begin lets a connection apply. It is closed when it takes too long or has to make
// room; done says that it need not apply any longer, or has ended. done may be called
// more than once, also while the connection is being closed.
func (g *Gate) Begin(conn net.Conn) (done func()) {
	a := &applying{conn: conn}
	g.mu.Lock()
	var room []*applying
	for g.waiting.Len() >= g.most {
		room = append(room, g.waiting.Remove(g.waiting.Front()).(*applying))
	}
	place := g.waiting.PushBack(a)
	a.timer = time.AfterFunc(g.within, func() {
		if g.leave(place) {
			closeConn(conn)
		}
	})
	g.mu.Unlock()
	for _, other := range room {
		other.timer.Stop()
		closeConn(other.conn)
	}
	return func() {
		if g.leave(place) {
			a.timer.Stop()
		}
	}
}

// leave takes a connection off the list; false: it is not there any more.
func (g *Gate) leave(place *list.Element) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	before := g.waiting.Len()
	g.waiting.Remove(place)
	return g.waiting.Len() < before
}

// closeConn turns a connection away. That it may be closed already is no concern of
// anybody's. The gate is not locked here: closing tells the gate.
func closeConn(conn net.Conn) { _ = conn.Close() }
