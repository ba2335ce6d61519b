package notify

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"

	"github.com/wneessen/go-mail"
)

// MailServer is where mail goes out. Every message has a connection of its own.
type MailServer struct {
	host string
	from string
	opts []mail.Option
}

// NewMailServer reads smtp://USER@HOST:PORT or smtps://…: the first encrypts by
// STARTTLS (port 587 when none is named) and sends nothing to a server that cannot,
// unless ?tls=off is behind it; the second from the start (465). The password is not in
// the address. from is who the mail is from: an address, or a name with one. roots are
// who vouches for the server; nil: whom the machine trusts.
func NewMailServer(address, password, from string, roots *tls.Config) (*MailServer, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "smtp" && u.Scheme != "smtps" || u.Hostname() == "" || u.Path != "" && u.Path != "/" {
		return nil, errors.New("must be the address of a mail server, such as smtp://USER@HOST:587 or smtps://USER@HOST")
	}
	if _, has := u.User.Password(); has {
		return nil, errors.New("must hold no password: that is a setting of its own, smtp-password")
	}
	off := u.Query().Get("tls") == "off"
	if u.RawQuery != "" && (u.RawQuery != "tls=off" || u.Scheme != "smtp") {
		return nil, errors.New("may have only ?tls=off behind smtp://…")
	}
	if err := IsSender(from); err != nil {
		return nil, fmt.Errorf("needs somebody whom the mail is from, who %w", err)
	}
	port, err := strconv.Atoi(cmp.Or(u.Port(), map[string]string{"smtp": "587", "smtps": "465"}[u.Scheme]))
	if err != nil || port < 1 || port > 65535 {
		return nil, errors.New("must have a port from 1 to 65535")
	}
	s := &MailServer{host: u.Hostname(), from: from, opts: []mail.Option{mail.WithPort(port), mail.WithTimeout(sendWithin)}}
	switch {
	case u.Scheme == "smtps":
		s.opts = append(s.opts, mail.WithSSL())
	case off:
		s.opts = append(s.opts, mail.WithTLSPolicy(mail.NoTLS))
	default:
		s.opts = append(s.opts, mail.WithTLSPolicy(mail.TLSMandatory))
	}
	if roots != nil {
		config := roots.Clone()
		config.ServerName = s.host
		s.opts = append(s.opts, mail.WithTLSConfig(config))
	}
	if name := u.User.Username(); name != "" {
		s.opts = append(s.opts, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(name), mail.WithPassword(password))
	}
	return s, nil
}

// IsSender says what is wrong with whom mail is from.
func IsSender(from string) error {
	if err := mail.NewMsg().From(from); err != nil {
		return errors.New("must be a mail address, such as importledger <ledger@example.org>")
	}
	return nil
}

// Check signs in to the server and leaves, without sending anything.
func (s *MailServer) Check(ctx context.Context) error {
	client, err := mail.NewClient(s.host, s.opts...)
	if err != nil {
		return err
	}
	session, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return err
	}
	return client.CloseWithSMTPClient(session)
}

// send sends a message once.
func (s *MailServer) send(ctx context.Context, m *mail.Msg) outcome {
	client, err := mail.NewClient(s.host, s.opts...)
	if err != nil {
		return outcome{problem: "the mail server cannot be used"}
	}
	session, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return outcome{problem: whyNoMail(err)}
	}
	err = client.SendWithSMTPClient(session, m)
	// Accepted is accepted: how the server takes its leave changes nothing.
	_ = client.CloseWithSMTPClient(session)
	if err == nil || m.IsDelivered() {
		return outcome{status: 250}
	}
	refused, ok := errors.AsType[*mail.SendError](err)
	if !ok {
		return outcome{problem: whyNoMail(err)}
	}
	o := outcome{status: refused.ErrorCode(), problem: "the mail server did not take it"}
	if refused.Reason == mail.ErrSMTPRcptTo {
		// The address is not good; other refusals are about the server, which may be mended.
		o.problem, o.final = "the mail server does not take mail to this address", !refused.IsTemp()
	}
	return o
}

func whyNoMail(err error) string {
	var dns *net.DNSError
	var timeout net.Error
	switch {
	case errors.As(err, &timeout) && timeout.Timeout():
		return "the mail server did not answer in time"
	case errors.As(err, &dns):
		return "the mail server's host is not known"
	}
	return "no session with the mail server: importledger doctor says more"
}
