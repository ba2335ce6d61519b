package api_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"importledger/adapters/api"
	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"
)

// imports is the service behind the API, as simple as it can be: the file is what
// was uploaded, in memory.
type imports struct {
	log     aggregate.Streams
	mu      sync.Mutex
	files   map[string]string
	asked   []commands.Start
	mapped  []*commands.MapColumns
	keys    []string
	preview aggregate.Preview
	review  aggregate.Review
	fails   error // answered by everything

	readings []commands.Reading // that were asked for
	csv      func(io.Writer) error
	nextID   []string

	outcomes map[int]aggregate.Outcome
	origins  []aggregate.Origin
	traced   []string // what was asked
}

var errRowNotFound = &commands.Refusal{Kind: commands.NotFound, Code: "row-not-found", Message: "There is no such row."}

func (s *imports) Create(ctx context.Context, meta events.Meta, client, key string,
	read func(store func(name string, r io.Reader) error) (commands.Start, *commands.MapColumns, error)) (aggregate.Import, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name, content := "", []byte(nil)
	start, mapping, err := read(func(n string, r io.Reader) (err error) {
		name = n
		content, err = io.ReadAll(r)
		return err
	})
	if err = errors.Join(err, s.fails); err != nil {
		return aggregate.Import{}, err
	}
	id := importID
	if len(s.nextID) > 0 {
		id, s.nextID = s.nextID[0], s.nextID[1:]
	}
	s.asked, s.mapped, s.keys = append(s.asked, start), append(s.mapped, mapping), append(s.keys, client+"/"+key)
	if s.files == nil {
		s.files = map[string]string{}
	}
	s.files[id] = string(content)
	header, rows, _ := strings.Cut(string(content), "\n")
	start.File = events.File{Name: name, Size: int64(len(content)), SHA256: "ab12", Separator: ",", Encoding: "utf-8",
		Header: strings.Split(header, ","), Rows: strings.Count(rows, "\n")}
	start.Type, start.KeyIdentifier = events.Manual, events.Email
	todo := []commands.Command{start}
	if mapping != nil {
		todo = append(todo, s.complete(*mapping))
	}
	return aggregate.Execute(ctx, s.log, id, meta, todo...)
}

func (s *imports) complete(m commands.MapColumns) commands.MapColumns {
	m.Attributes = events.Reserved
	if m.Segment != nil {
		m.Segment = &events.Segment{ID: "segment-1", Name: "VIPs", Create: true}
	}
	return m
}

func (s *imports) Map(ctx context.Context, id string, m commands.MapColumns, meta events.Meta) (aggregate.Import, error) {
	if s.fails != nil {
		return aggregate.Import{}, s.fails
	}
	s.readings = append(s.readings, m.Reading)
	return aggregate.Execute(ctx, s.log, id, meta, s.complete(m))
}

func (s *imports) Cancel(ctx context.Context, id, reason string, meta events.Meta) (aggregate.Import, error) {
	if s.fails != nil {
		return aggregate.Import{}, s.fails
	}
	return aggregate.Execute(ctx, s.log, id, meta, commands.Cancel{Reason: reason})
}

func (s *imports) Preview(_ context.Context, _ string, as commands.Reading) (aggregate.Preview, error) {
	s.readings = append(s.readings, as)
	return s.preview, s.fails
}
func (s *imports) Review(_ context.Context, _ string, m commands.MapColumns) (aggregate.Review, error) {
	s.readings = append(s.readings, m.Reading)
	return s.review, s.fails
}

func (s *imports) At(ctx context.Context, id string, revision uint64) (aggregate.Import, error) {
	return aggregate.LoadAt(ctx, s.log, id, revision)
}

type openFile struct{ *strings.Reader }

func (openFile) Close() error { return nil }

func (s *imports) Source(_ context.Context, id string) (io.ReadSeekCloser, string, error) {
	content, ok := s.files[id]
	if !ok {
		return nil, "", aggregate.ErrNotFound
	}
	return openFile{strings.NewReader(content)}, "contäcts.csv", nil
}

func (s *imports) Row(_ context.Context, id string, row int) (aggregate.Outcome, error) {
	if o, ok := s.outcomes[row]; ok && id == importID {
		return o, s.fails
	}
	return aggregate.Outcome{}, errRowNotFound
}

func (s *imports) Origins(_ context.Context, contact uuid.UUID, attributes []string) ([]aggregate.Origin, bool, error) {
	slices.Sort(attributes)
	s.traced = append(s.traced, contact.String()+" "+strings.Join(attributes, ","))
	return s.origins, len(s.origins) < 3, s.fails
}

func (s *imports) SettingsOf(_ context.Context, contact uuid.UUID, attribute string, before int64, limit int) ([]aggregate.Setting, int64, error) {
	s.traced = append(s.traced, fmt.Sprint(contact, " ", attribute, " ", before, " ", limit))
	var all []aggregate.Setting
	for _, o := range s.origins {
		if o.Attribute == attribute {
			all = append(all, o.Set)
		}
	}
	return all, before / 2, s.fails
}

func (s *imports) ErrorsCSV(_ context.Context, id string, w io.Writer) error {
	if s.csv != nil {
		return s.csv(w)
	}
	return aggregate.ErrNotFound
}

// account keeps the key identifier.
type account struct{ key string }

func (a *account) KeyIdentifier(context.Context) (string, error) { return a.key, nil }
func (a *account) SetKeyIdentifier(_ context.Context, _ events.Meta, key string) (events.Position, error) {
	a.key = key
	return events.Position{Commit: 7, Prepare: 7}, nil
}

// tokens take "all" for every scope, "slow" and "away" for trouble, and else a list of scopes.
type tokens struct{}

type refusedToken string

func (r refusedToken) Error() string      { return "Refused." }
func (r refusedToken) OAuthError() string { return string(r) }

func (tokens) Issue(_ context.Context, g api.Grant) (string, time.Duration, []string, error) {
	id, secret, asked := g.ClientID, g.Secret, g.Scopes
	if g.Sent == "s+cr%t" {
		secret = g.Sent
	}
	switch {
	case secret == "busy":
		return "", 0, nil, refusedToken("slow_down")
	case secret == "away":
		return "", 0, nil, errAway
	case id != "shop" || secret != "s+cr%t":
		return "", 0, nil, refusedToken("invalid_client")
	case len(asked) > 0 && asked[0] == "none":
		return "", 0, nil, refusedToken("invalid_scope")
	case len(asked) == 0:
		asked = []string{"imports:read"}
	}
	return "token-1", time.Minute, asked, nil
}

var errAway = errors.New("the database is away")

func (tokens) Verify(_ context.Context, token string) (string, []string, error) {
	switch token {
	case "all":
		return "shop", api.Scopes(), nil
	case "away":
		return "", nil, errAway
	case "garbage":
		return "", nil, refusedToken("invalid_token")
	case "revoked":
		return "shop", nil, refusedToken("invalid_token")
	}
	return "shop", strings.Split(token, ","), nil
}
