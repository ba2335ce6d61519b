package httpserver_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"importledger/adapters/httpserver"
)

// oneConn listens until it has given its only connection.
type oneConn struct{ conns chan net.Conn }

func (l oneConn) Accept() (net.Conn, error) {
	c, ok := <-l.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}

func (l oneConn) Close() error   { return nil }
func (l oneConn) Addr() net.Addr { return &net.TCPAddr{} }

// connected serves a handler to one client, in a time that passes only when nobody
// has anything to do.
func connected(t *testing.T, handler http.HandlerFunc, client func(net.Conn)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		l := oneConn{make(chan net.Conn, 1)}
		l.conns <- theirs
		server := httpserver.New(handler, slog.New(slog.DiscardHandler))
		ended := make(chan error, 1)
		go func() { ended <- server.Serve(l) }()
		client(ours)
		close(l.conns)
		if err := errors.Join(ours.Close(), server.Close()); err != nil {
			t.Error(err)
		}
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	})
}

func send(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
}

func answerOf(t *testing.T, c net.Conn) *http.Response {
	t.Helper()
	response, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	return response
}

const post = "POST / HTTP/1.1\r\nHost: test\r\nContent-Length: %d\r\n\r\n"

func TestABodyThatDoesNotComeIsGivenUp(t *testing.T) {
	t.Parallel()
	var took time.Duration
	connected(t, func(_ http.ResponseWriter, r *http.Request) {
		began := time.Now()
		_, err := io.ReadAll(r.Body)
		took = time.Since(began)
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("the body ended with %v", err)
		}
	}, func(c net.Conn) {
		send(t, c, fmt.Sprintf(post, 100))
		if _, err := io.ReadAll(c); err != nil {
			t.Error(err)
		}
	})
	if took != 30*time.Second {
		t.Errorf("it was waited for %s", took)
	}
}

func TestABodyThatNobodyWantsHoldsNoConnection(t *testing.T) {
	t.Parallel()
	connected(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
	}, func(c net.Conn) {
		began := time.Now()
		send(t, c, fmt.Sprintf(post, 100))
		if _, err := io.ReadAll(c); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > time.Minute {
			t.Errorf("the connection was held for %s", took)
		}
	})
}

func TestABodyThatComesSlowlyMayTakeLong(t *testing.T) {
	t.Parallel()
	const seconds, perSecond = 600, 16 << 10
	connected(t, func(w http.ResponseWriter, r *http.Request) {
		<-time.After(time.Hour) // busy with something else first
		n, err := io.Copy(io.Discard, r.Body)
		if n != seconds*perSecond || err != nil {
			t.Errorf("%d bytes came, then %v", n, err)
		}
		<-time.After(time.Hour) // the work that follows has no deadline left over
		if err := r.Context().Err(); err != nil {
			t.Errorf("at work: %v", err)
		}
		w.WriteHeader(http.StatusNoContent)
	}, func(c net.Conn) {
		send(t, c, fmt.Sprintf(post, seconds*perSecond))
		for range seconds {
			<-time.After(time.Second)
			send(t, c, string(make([]byte, perSecond)))
		}
		if response := answerOf(t, c); response.StatusCode != http.StatusNoContent { //nolint:bodyclose // it ends with the connection
			t.Error(response.Status)
		}
	})
}

func TestAnAnswerMayLastButNotStall(t *testing.T) {
	t.Parallel()
	const pieces = 100
	var stalled error
	connected(t, func(w http.ResponseWriter, _ *http.Request) {
		control := http.NewResponseController(w)
		for {
			if _, err := io.WriteString(w, "piece"); err != nil {
				stalled = err
				return
			}
			if stalled = control.Flush(); stalled != nil {
				return
			}
			<-time.After(20 * time.Second)
		}
	}, func(c net.Conn) {
		send(t, c, "GET / HTTP/1.1\r\nHost: test\r\n\r\n")
		if _, err := io.CopyN(io.Discard, answerOf(t, c).Body, pieces*int64(len("piece"))); err != nil { //nolint:bodyclose // as above
			t.Errorf("an answer that flows: %v", err)
		}
		<-time.After(10 * time.Minute) // and reads nothing more
	})
	if !errors.Is(stalled, os.ErrDeadlineExceeded) {
		t.Errorf("an answer that stalls ended with %v", stalled)
	}
}
