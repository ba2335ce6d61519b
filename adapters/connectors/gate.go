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
// more than once.
func (g *Gate) Begin(conn net.Conn) (done func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.waiting.Len() >= g.most {
		g.turnAway(g.waiting.Front())
	}
	place := g.waiting.PushBack(&applying{conn: conn})
	place.Value.(*applying).timer = time.AfterFunc(g.within, func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.turnAway(place)
	})
	return sync.OnceFunc(func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if a, ok := g.leave(place); ok {
			a.timer.Stop()
		}
	})
}

// turnAway closes a connection, unless it does not apply any longer. That it may be
// closed already is no concern of anybody's.
func (g *Gate) turnAway(place *list.Element) {
	if a, ok := g.leave(place); ok {
		a.timer.Stop()
		_ = a.conn.Close()
	}
}

func (g *Gate) leave(place *list.Element) (*applying, bool) {
	a, applies := place.Value.(*applying)
	if !applies {
		return nil, false
	}
	place.Value = nil
	g.waiting.Remove(place)
	return a, true
}
