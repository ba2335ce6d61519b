package node_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"
	"go.uber.org/goleak"

	"importledger/adapters/node"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		os.Exit(appendUntilKilled(dir))
	}
	goleak.VerifyTestMain(m)
}

func event() esdb.EventData {
	return esdb.EventData{EventID: uuid.New(), EventType: "A", ContentType: esdb.ContentTypeJson, Data: []byte(`{}`)}
}

func TestALogOutlivesItsNode(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, err := node.Open(node.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	before := appendOne(t, connect(t, first.ConnectionString()), esdb.NoStream{})
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	after := appendOne(t, connect(t, start(t, node.Config{Dir: dir}).ConnectionString()), esdb.Revision(0))
	if after.NextExpectedVersion != 1 || after.CommitPosition <= before.CommitPosition {
		t.Fatalf("got %+v, then %+v", before, after)
	}
}

func appendOne(t *testing.T, client *esdb.Client, expected esdb.ExpectedRevision) *esdb.WriteResult {
	t.Helper()
	result, err := client.AppendToStream(t.Context(), "import-1", esdb.AppendToStreamOptions{ExpectedRevision: expected}, event())
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func TestOpenSaysWhatIsInItsWay(t *testing.T) {
	t.Parallel()
	t.Run("another node has the directory", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		start(t, node.Config{Dir: dir})
		wantOpenError(t, node.Config{Dir: dir}, func(err error) bool {
			return errors.Is(err, node.ErrInUse) && strings.Contains(err.Error(), dir)
		})
	})
	t.Run("the directory cannot be made", func(t *testing.T) {
		t.Parallel()
		file := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		wantOpenError(t, node.Config{Dir: filepath.Join(file, "log")}, func(err error) bool {
			return strings.Contains(err.Error(), file)
		})
	})
	t.Run("the port is taken", func(t *testing.T) {
		t.Parallel()
		taken, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := taken.Close(); err != nil {
				t.Error(err)
			}
		})
		dir, address := t.TempDir(), taken.Addr().String()
		wantOpenError(t, node.Config{Dir: dir, Listen: address}, func(err error) bool {
			return strings.Contains(err.Error(), address)
		})
		start(t, node.Config{Dir: dir}) // the failure has left the directory free
	})
	t.Run("without a password nobody else may reach it", func(t *testing.T) {
		t.Parallel()
		wantOpenError(t, node.Config{Dir: t.TempDir(), Listen: "0.0.0.0:0"}, func(err error) bool {
			return strings.Contains(err.Error(), "password")
		})
	})
}

func wantOpenError(t *testing.T, cfg node.Config, right func(error) bool) {
	t.Helper()
	n, err := node.Open(cfg)
	if err == nil {
		t.Fatal(errors.Join(errors.New("the node opened"), n.Close()))
	}
	if !right(err) {
		t.Fatalf("got %v", err)
	}
}

func TestADirectoryIsForItsOwnerAlone(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data", "log")
	start(t, node.Config{Dir: dir, Username: "admin", Password: "secret"})
	info, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o700 {
		t.Fatalf("the directory has mode %v", info.Mode())
	}
}

func TestAGuardedNodeWantsThePassword(t *testing.T) {
	t.Parallel()
	right := start(t, node.Config{Username: "admin", Password: "secret"}).ConnectionString()
	for name, user := range map[string]*url.Userinfo{
		"wrong password": url.UserPassword("admin", "guess"),
		"wrong name":     url.UserPassword("root", "secret"),
		"no credentials": nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			connection, err := url.Parse(right)
			if err != nil {
				t.Fatal(err)
			}
			connection.User = user
			client := connect(t, connection.String())
			// A client that is refused while it still sends an append sees that the call ended, and not always why.
			if _, err = client.AppendToStream(t.Context(), "import-1", esdb.AppendToStreamOptions{}, event()); err == nil {
				t.Error("the append was taken")
			}
			read, err := client.ReadAll(t.Context(), esdb.ReadAllOptions{From: esdb.Start{}}, 1)
			if err == nil {
				_, err = read.Recv()
			}
			if failure, ok := errors.AsType[*esdb.Error](err); !ok || !failure.IsErrorCode(esdb.ErrorCodeUnauthenticated) {
				t.Errorf("read: got %v", err)
			}
		})
	}
}

func TestTheNodeIsFoundAsAClusterOfOne(t *testing.T) {
	t.Parallel()
	n := start(t, node.Config{})
	client := connect(t, fmt.Sprintf("esdb+discover://%s?tls=false", n.Addr()))
	appendOne(t, client, esdb.NoStream{})
	version, err := client.GetServerVersion()
	if err != nil || version.Major < 23 {
		t.Fatalf("got %+v: %v", version, err)
	}
}

func TestCloseEndsSubscriptionsAndMayBeRepeated(t *testing.T) {
	t.Parallel()
	n := start(t, node.Config{})
	client := connect(t, n.ConnectionString())
	all, err := client.SubscribeToAll(t.Context(), esdb.SubscribeToAllOptions{From: esdb.Start{}})
	if err != nil {
		t.Fatal(err)
	}
	stream, err := client.SubscribeToStream(t.Context(), "import-1", esdb.SubscribeToStreamOptions{From: esdb.Start{}})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := n.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for _, sub := range []*esdb.Subscription{all, stream} {
		for sub.Recv().SubscriptionDropped == nil {
		}
	}
	if _, err := client.AppendToStream(t.Context(), "import-1", esdb.AppendToStreamOptions{}, event()); err == nil {
		t.Fatal("a closed node took an append")
	}
}

// The reader below reads nothing until far more waits for it than its connection can hold.
func TestASlowSubscriberIsToldThatItFellBehindAndMissesNothing(t *testing.T) {
	t.Parallel()
	client := connect(t, start(t, node.Config{}).ConnectionString())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	sub, err := client.SubscribeToAll(ctx, esdb.SubscribeToAllOptions{From: esdb.Start{}})
	if err != nil {
		t.Fatal(err)
	}
	for sub.Recv().CaughtUp == nil {
	}
	const chunks, size = 12, 500
	want := make([]uuid.UUID, 0, chunks*size)
	for range chunks {
		events := make([]esdb.EventData, size)
		for i := range events {
			events[i] = event()
			events[i].Data = make([]byte, 2000)
			want = append(want, events[i].EventID)
		}
		if _, err := client.AppendToStream(ctx, "import-1", esdb.AppendToStreamOptions{}, events...); err != nil {
			t.Fatal(err)
		}
	}
	fell, caughtUp := false, false
	for i := 0; i < len(want) || !caughtUp; {
		e := sub.Recv()
		switch {
		case e.SubscriptionDropped != nil:
			t.Fatal(e.SubscriptionDropped.Error)
		case e.FellBehind != nil:
			fell, caughtUp = true, false
		case e.CaughtUp != nil:
			caughtUp = true
		case e.EventAppeared != nil:
			if e.EventAppeared.OriginalEvent().EventID != want[i] {
				t.Fatalf("event %d is not the one that was appended", i)
			}
			i++
		}
	}
	if !fell {
		t.Fatal("the subscriber was never told")
	}
}
