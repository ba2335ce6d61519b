package notify

import (
	"crypto/tls"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	netmail "net/mail"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-smtp"

	"importledger/events"
)

// postOffice is an SMTP server that keeps what it gets.
type postOffice struct {
	address string // for mail without encryption
	at      string // host and port
	mu      sync.Mutex
	got     []letterGot
	refuses map[string]*smtp.SMTPError // by recipient
	away    int                        // so many sessions more are turned away
}

type letterGot struct {
	to        string
	header    netmail.Header
	text      string
	html      string
	encrypted bool
}

// newPostOffice opens one; with a certificate it offers STARTTLS.
func newPostOffice(t *testing.T, offered *tls.Config) *postOffice {
	t.Helper()
	p := &postOffice{refuses: map[string]*smtp.SMTPError{}}
	server := smtp.NewServer(p)
	server.Domain, server.TLSConfig = "localhost", offered
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.at = listener.Addr().String()
	p.address = "smtp://" + p.at + "?tls=off"
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	t.Cleanup(func() {
		// The server closes only a listener that it has begun to serve.
		if err := errors.Join(server.Close(), listener.Close()); err != nil && !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
		if err := <-ended; err != nil && !errors.Is(err, smtp.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	})
	return p
}

func (p *postOffice) NewSession(c *smtp.Conn) (smtp.Session, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.away > 0 {
		p.away--
		return nil, &smtp.SMTPError{Code: 421, Message: "not now"}
	}
	_, encrypted := c.TLSConnectionState()
	return &mailSession{office: p, encrypted: encrypted}, nil
}

func (p *postOffice) all() []letterGot {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]letterGot(nil), p.got...)
}

type mailSession struct {
	office    *postOffice
	to        string
	encrypted bool
}

func (s *mailSession) Mail(string, *smtp.MailOptions) error { return nil }

func (s *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = to
	s.office.mu.Lock()
	defer s.office.mu.Unlock()
	if refused := s.office.refuses[to]; refused != nil {
		return refused
	}
	return nil
}

func (s *mailSession) Data(r io.Reader) error {
	m, err := netmail.ReadMessage(r)
	if err != nil {
		return err
	}
	got := letterGot{to: s.to, header: m.Header, encrypted: s.encrypted}
	if got.text, got.html, err = parts(m); err != nil {
		return err
	}
	s.office.mu.Lock()
	defer s.office.mu.Unlock()
	s.office.got = append(s.office.got, got)
	return nil
}

func (s *mailSession) Reset()        {}
func (s *mailSession) Logout() error { return nil }

// parts reads the two forms of a mail.
func parts(m *netmail.Message) (text, html string, err error) {
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		return "", "", err
	}
	all := multipart.NewReader(m.Body, params["boundary"])
	for {
		part, err := all.NextRawPart()
		if errors.Is(err, io.EOF) {
			return text, html, nil
		}
		if err != nil {
			return "", "", err
		}
		body, err := io.ReadAll(quotedprintable.NewReader(part))
		if err != nil {
			return "", "", err
		}
		if strings.HasPrefix(part.Header.Get("Content-Type"), "text/html") {
			html = string(body)
		} else {
			text = string(body)
		}
	}
}

func withMail(t *testing.T, p *postOffice) func(*Config) {
	t.Helper()
	server, err := NewMailServer(p.address, "", "importledger <ledger@example.org>", nil)
	if err != nil {
		t.Fatal(err)
	}
	return func(c *Config) { c.Mail = server }
}

func TestMailIsSentOnceToWhoeverWantsIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := newPostOffice(t, nil)
	n := w.notifier(withMail(t, p))
	queue := work(t, n)
	ann := w.user("ann@example.org") // her own, by default
	bob := w.user("bob")             // no address
	eve := w.user("eve")
	if err := n.SetWishes(t.Context(), eve, Any, "eve@example.org"); err != nil {
		t.Fatal(err)
	}
	never := w.user("never@example.org")
	if err := n.SetWishes(t.Context(), never, Never, ""); err != nil {
		t.Fatal(err)
	}
	id := w.ended(ann, completed)
	look(t, n)
	queue.jobs(2)
	w.ended(bob, completed)
	look(t, n)
	queue.jobs(1)
	w.ended(never, completed)
	look(t, n)
	queue.jobs(1)
	to := map[string]int{}
	for _, m := range p.all() {
		to[m.to]++
	}
	if len(to) != 2 || to["ann@example.org"] != 1 || to["eve@example.org"] != 3 {
		t.Fatalf("mail to %v", to)
	}
	w.told(4)
	var m letterGot
	for _, one := range p.all() {
		if one.to == "ann@example.org" {
			m = one
		}
	}
	link := "https://ledger.example.org/imports/" + id
	for _, form := range []string{m.text, m.html} {
		for _, want := range []string{"contacts.csv", "0 of 2,000 rows imported", link, "https://ledger.example.org/unsubscribe/" + ann + "."} {
			if !strings.Contains(form, want) {
				t.Errorf("it does not say %q: %s", want, form)
			}
		}
	}
	for name, want := range map[string]string{
		"Subject": "Imported: contacts.csv", "From": `"importledger" <ledger@example.org>`, "Auto-Submitted": "auto-generated",
		"List-Unsubscribe":      "<https://ledger.example.org/unsubscribe/" + n.unsubscribeToken(ann) + ">",
		"List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
		"Message-Id":            "<" + strings.ToLower(id+"."+ann) + "@example.org>",
	} {
		if got := m.header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

func TestUnsubscribe(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := newPostOffice(t, nil)
	n := w.notifier(withMail(t, p))
	ann := w.user("ann@example.org")
	token := n.unsubscribeToken(ann)
	for _, wrong := range []string{"", ".", ann, ann + ".", token + "x", token[:len(token)-1], w.user("bob") + token[len(ann):]} {
		if err := n.Unsubscribe(t.Context(), wrong); !errors.Is(err, errBadLink) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
	w.ended(ann, completed)
	look(t, n)
	w.told(1)
	for range 2 {
		if err := n.Unsubscribe(t.Context(), token); err != nil {
			t.Fatal(err)
		}
	}
	// What was queued before is not sent any more, and nothing is queued.
	queue := work(t, n)
	queue.jobs(1)
	w.ended(ann, completed)
	look(t, n)
	w.told(1)
	if got := len(p.all()); got != 0 {
		t.Errorf("%d mails", got)
	}
	if is, err := n.Wishes(t.Context(), ann); err != nil || is.When != Never || is.Address != "ann@example.org" {
		t.Errorf("wishes %+v, %v", is, err)
	}
}

func TestAMailServerThatWasAwayGetsItLater(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := newPostOffice(t, nil)
	p.away = 4 // a client that is turned away greets once more, the old way
	n := w.notifier(withMail(t, p))
	ann := w.user("ann@example.org")
	queue := work(t, n)
	w.ended(ann, completed)
	look(t, n)
	if failed := queue.jobs(1); failed != 2 {
		t.Errorf("%d attempts failed, want 2", failed)
	}
	if got := len(p.all()); got != 1 {
		t.Errorf("%d mails, want 1", got)
	}
}

func TestAnAddressThatDoesNotExistIsGivenUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := newPostOffice(t, nil)
	p.refuses["ann@example.org"] = &smtp.SMTPError{Code: 550, Message: "no such mailbox: ann@example.org"}
	n := w.notifier(withMail(t, p))
	ann := w.user("ann@example.org")
	queue := work(t, n)
	w.ended(ann, completed)
	look(t, n)
	if failed := queue.jobs(1); failed != 0 {
		t.Errorf("%d attempts to be repeated, want none", failed)
	}
	var status int
	var problem, state string
	err := w.db.QueryRow(t.Context(), "SELECT a.status, a.problem, d.state FROM ledger.delivery_attempts a JOIN ledger.deliveries d ON d.id = a.delivery_id").Scan(&status, &problem, &state)
	if err != nil || status != 550 || state != "failed" || strings.Contains(problem, "ann") {
		t.Errorf("attempt %d %q %s, %v", status, problem, state, err)
	}
}

func TestANameIsNoHeader(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.notifier(withMail(t, newPostOffice(t, nil)))
	made, err := n.letter(message{ending: Ending{ID: "01", Name: "a\r\nBcc: eve@example.org\r\n\r\n<script>", State: events.Imported},
		user: &reader{id: "u", wish: Wish{Address: "ann@example.org"}}})
	if err != nil {
		t.Fatal(err)
	}
	var raw strings.Builder
	if _, err := made.WriteTo(&raw); err != nil {
		t.Fatal(err)
	}
	m, err := netmail.ReadMessage(strings.NewReader(raw.String()))
	if err != nil {
		t.Fatal(err)
	}
	_, html, err := parts(m)
	if err != nil {
		t.Fatal(err)
	}
	if m.Header.Get("Bcc") != "" || strings.Contains(html, "<script>") {
		t.Errorf("the name got out:\n%s", raw.String())
	}
}

func TestAddressesOfMailServers(t *testing.T) {
	for address, good := range map[string]bool{
		"smtp://mail.example.org": true, "smtp://user@mail.example.org:2525": true, "smtps://user@mail.example.org": true,
		"smtp://127.0.0.1:25?tls=off":         true,
		"smtp://user:secret@mail.example.org": false, "smtps://mail.example.org?tls=off": false, "smtp://mail.example.org?tls=maybe": false,
		"http://mail.example.org": false, "smtp://": false, "smtp://mail.example.org/path": false, "smtp://mail.example.org:99999": false,
	} {
		if _, err := NewMailServer(address, "", "ledger@example.org", nil); (err == nil) != good {
			t.Errorf("%s: %v", address, err)
		} else if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error has the password: %v", address, err)
		}
	}
	if _, err := NewMailServer("smtp://mail.example.org", "", "nobody", nil); err == nil {
		t.Error("a sender without an address is taken")
	}
}

func TestMailNeedsSomewhereToUnsubscribe(t *testing.T) {
	server, err := NewMailServer("smtp://mail.example.org", "", "ledger@example.org", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := New(Config{Key: make([]byte, 32), Mail: server}); err == nil {
		t.Error("mail without links is taken")
	}
}
