package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"importledger/adapters/api"
	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"
)

// connectors keep in memory what they are asked for.
type connectors struct {
	mu      sync.Mutex
	all     []api.Connector
	wishes  []api.ConnectorWish
	changes []api.ConnectorChange
	sampled string
	start   commands.Start
}

var errNoConnector = &commands.Refusal{Kind: commands.NotFound, Code: "connector-not-found", Message: "None."}

func (c *connectors) List(context.Context) ([]api.Connector, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.all), nil
}

func (c *connectors) Get(_ context.Context, id string) (api.Connector, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.IndexFunc(c.all, func(one api.Connector) bool { return one.ID == id })
	if i < 0 {
		return api.Connector{}, errNoConnector
	}
	return c.all[i], nil
}

func (c *connectors) Create(_ context.Context, w api.ConnectorWish) (api.Connector, string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wishes = append(c.wishes, w)
	made := api.Connector{ID: importID, Name: w.Name, Protocol: w.Protocol, Username: "shop-1", PublicKeys: w.PublicKeys, Enabled: true,
		Template: w.Template, CreatedAt: time.UnixMilli(1795500000000), Host: "files.example.com", Port: 2022, Fingerprint: "SHA256:abc"}
	c.all = append(c.all, made)
	password := ""
	if w.Password {
		password = "told-once"
	}
	return made, password, nil
}

func (c *connectors) Change(ctx context.Context, id string, ch api.ConnectorChange) (api.Connector, error) {
	one, err := c.Get(ctx, id)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changes = append(c.changes, ch)
	if ch.Enabled != nil {
		one.Enabled = *ch.Enabled
	}
	return one, err
}

func (c *connectors) SetPassword(ctx context.Context, id string) (api.Connector, string, error) {
	one, err := c.Get(ctx, id)
	return one, "told-again", err
}

func (c *connectors) Remove(ctx context.Context, id string) error {
	_, err := c.Get(ctx, id)
	return err
}

func (c *connectors) Activity(ctx context.Context, id string, _, _ int) ([]api.ConnectorActivity, int, error) {
	_, err := c.Get(ctx, id)
	return []api.ConnectorActivity{{At: time.UnixMilli(1795500000000), Action: "login", Detail: "password", Network: "192.0.2.0/24", Times: 2}}, 7, err
}

func (c *connectors) Sample(_ context.Context, read func(func(string, io.Reader) error) (commands.Start, error)) (aggregate.Preview, error) {
	start, err := read(func(name string, r io.Reader) error {
		content, err := io.ReadAll(r)
		c.sampled = name + ": " + string(content)
		return err
	})
	c.start = start
	return aggregate.Preview{File: events.File{Header: []string{"E-mail"}, Separator: ",", Encoding: "utf-8", Rows: 1}, KeyIdentifier: "email"}, err
}

const shopConnector = `{"name":"Shop","protocol":"sftp","password":true,"publicKeys":["ssh-ed25519 AAAA"],
	"template":{"header":["E-mail","Age"],"separator":";","mapping":[{"header":"E-mail","attribute":"email"},{"header":"Age","attribute":"age","create":{"type":"number"}}],
	"importMode":"contacts","eventName":null,"segment":{"name":"VIPs"}}}`

func TestAConnectorIsMadeAndShownAsTheContractSays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	made := w.do("POST", "/people/connectors", shopConnector).is(201)
	if made.header.Get("Location") != "/people/connectors/"+importID {
		t.Error(made.header.Get("Location"))
	}
	var one map[string]json.RawMessage
	if err := json.Unmarshal(made.body, &one); err != nil {
		t.Fatal(err)
	}
	if string(one["password"]) != `"told-once"` {
		t.Errorf("the password: %s", one["password"])
	}
	delete(one, "password")
	keys := []string{"createdAt", "enabled", "files", "host", "hostKeyFingerprint", "id", "name", "port", "protocol", "publicKeys", "template", "username"}
	if got := slices.Sorted(maps.Keys(one)); !slices.Equal(got, keys) {
		t.Errorf("keys: %v", got)
	}
	wish := w.connectors.wishes[0]
	if wish.By == "" || wish.Template.Segment.Name != "VIPs" || wish.Template.Separator != ";" || wish.Template.Mapping[1].Create.Type != events.Number || !wish.Password {
		t.Errorf("asked: %+v", wish)
	}
	w.connectors.all[0].Files = []api.ConnectorFile{
		{Name: "b.csv", ReceivedAt: time.UnixMilli(2), ImportID: "2", Outcome: "failed", ReasonCode: "header-mismatch", Reason: "Missing: \"Age\"."},
		{Name: "a.csv", ReceivedAt: time.UnixMilli(1), ImportID: "1"}}
	got := w.do("GET", "/people/connectors/"+importID, "").is(200)
	if bytes.Contains(got.body, []byte("told-once")) {
		t.Error("the password is told again")
	}
	want := `"files":[{"name":"b.csv","receivedAt":2,"importId":"2","outcome":"failed","reason":"header-mismatch: Missing: \"Age\"."},` +
		`{"name":"a.csv","receivedAt":1,"importId":"1","outcome":null,"reason":null}]`
	if !bytes.Contains(got.body, []byte(want)) {
		t.Errorf("files: %s", got.body)
	}
	if list := w.do("GET", "/people/connectors", "").is(200); list.body[0] != '[' || !bytes.Contains(list.body, []byte(want)) {
		t.Errorf("list: %s", list.body)
	}
	// What was answered can be sent again.
	w.do("PUT", "/people/connectors/"+importID, string(got.body)).is(200)
	if again := w.connectors.changes[0]; !slices.Equal(again.Template.Header, wish.Template.Header) || again.Protocol != "sftp" {
		t.Errorf("sent again: %+v", again)
	}
}

func TestConnectorsAreChangedAndRemoved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.do("POST", "/people/connectors", shopConnector).is(201)
	at := "/people/connectors/" + importID
	if got := w.do("PUT", at, `{"enabled":false}`).is(200); !bytes.Contains(got.body, []byte(`"enabled":false`)) {
		t.Errorf("%s", got.body)
	}
	if c := w.connectors.changes[0]; c.Name != nil || c.Template != nil || c.PublicKeys != nil || *c.Enabled {
		t.Errorf("changed: %+v", c)
	}
	if got := w.do("POST", at+"/password", "").is(200); !bytes.Contains(got.body, []byte(`"password":"told-again"`)) {
		t.Errorf("%s", got.body)
	}
	got := w.do("GET", at+"/activity?pageSize=1", "").is(200)
	if !bytes.Contains(got.body, []byte(`"items":[{"at":1795500000000,"action":"login","file":null,"importId":null,"detail":"password","network":"192.0.2.0/24","times":2}]`)) ||
		!bytes.Contains(got.body, []byte(`"totalRecord":7`)) {
		t.Errorf("%s", got.body)
	}
	if gone := w.do("DELETE", at, "").is(204); len(gone.body) != 0 {
		t.Errorf("%s", gone.body)
	}
	for _, route := range []string{"GET ", "DELETE ", "POST /password", "GET /activity"} {
		method, below, _ := strings.Cut(route, " ")
		w.do(method, "/people/connectors/none"+below, "").fails(404, "connector-not-found")
	}
	w.do("PUT", "/people/connectors/none", "{}").fails(404, "connector-not-found")
}

func TestConnectorsThatMakeNoSenseAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for what, body := range map[string]string{
		"no name":      strings.Replace(shopConnector, `"Shop"`, `""`, 1),
		"protocol":     strings.Replace(shopConnector, `"sftp"`, `"ftp"`, 1),
		"no template":  `{"name":"Shop","protocol":"sftp"}`,
		"no header":    strings.Replace(shopConnector, `["E-mail","Age"]`, `[]`, 1),
		"unknown key":  strings.Replace(shopConnector, `"name"`, `"nome":1,"name"`, 1),
		"no way in":    strings.NewReplacer(`"sftp"`, `"ftps"`, `"password":true,"publicKeys":["ssh-ed25519 AAAA"],`, "").Replace(shopConnector),
		"two segments": strings.Replace(shopConnector, `{"name":"VIPs"}`, `{}`, 1),
	} {
		if got := w.do("POST", "/people/connectors", body); got.status != 422 {
			t.Errorf("%s: %d %s", what, got.status, got.body)
		}
	}
	if len(w.connectors.wishes) != 0 {
		t.Errorf("asked for: %+v", w.connectors.wishes)
	}
}

func TestASampleIsLookedAt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.uploadRequest(part{"file", "daily.csv", "E-mail\na@x.org\n"}, part{name: "importMode", content: "events"})
	r.URL.Path = "/people/connectors/sample"
	if got := w.send(r).is(200); !bytes.Contains(got.body, []byte(`"header":["E-mail"]`)) {
		t.Errorf("%s", got.body)
	}
	if w.connectors.sampled != "daily.csv: E-mail\na@x.org\n" || w.connectors.start.ImportMode != events.ContactsEvents {
		t.Errorf("looked at %q as %q", w.connectors.sampled, w.connectors.start.ImportMode)
	}
	w.do("POST", "/people/connectors/sample", "{}").fails(415, "media-type-unsupported")
}
