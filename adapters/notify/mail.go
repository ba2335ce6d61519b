package notify

import (
	"bytes"
	"context"
	_ "embed"
	"html/template"
	"strings"
	texttemplate "text/template"

	"github.com/wneessen/go-mail"

	"importledger/events"
)

//go:embed mail.html
var mailHTML string

//go:embed mail.txt
var mailText string

var (
	htmlMail = template.Must(template.New("mail").Parse(mailHTML))
	textMail = texttemplate.Must(texttemplate.New("mail").Parse(mailText))
)

// letter is what a mail is made of.
type letter struct {
	Name        string
	Title       string
	Sentence    string
	Errors      bool // there are rows to look at
	Link        string
	Unsubscribe string
}

// titles say in a word or two what became of an import.
var titles = map[events.State]string{events.Imported: "Imported", events.Canceled: "Canceled", events.Failed: "Not imported"}

// mail sends a user a mail once.
func (n *Notifier) mail(ctx context.Context, m message) outcome {
	if n.Mail == nil {
		return outcome{problem: "this process has no mail server"}
	}
	made, err := n.letter(m)
	if err != nil {
		return outcome{problem: "the mail could not be made", final: true}
	}
	return n.Mail.send(ctx, made)
}

// letter makes the mail, the same in every attempt: its id lets whoever gets it twice
// tell.
func (n *Notifier) letter(m message) (*mail.Msg, error) {
	e := m.ending
	l := letter{Name: oneLine(e.Name), Title: titles[e.State], Sentence: e.Sentence(), Errors: e.RowsInError > 0,
		Link:        n.PublicURL + "/imports/" + e.ID,
		Unsubscribe: n.PublicURL + "/unsubscribe/" + n.unsubscribeToken(m.user.id)}
	var text, html bytes.Buffer
	if err := textMail.Execute(&text, l); err != nil {
		return nil, err
	}
	if err := htmlMail.Execute(&html, l); err != nil {
		return nil, err
	}
	msg := mail.NewMsg()
	if err := msg.From(n.Mail.from); err != nil {
		return nil, err
	}
	if err := msg.To(m.user.wish.Address); err != nil {
		return nil, err
	}
	msg.Subject(l.Title + ": " + l.Name)
	msg.SetDateWithValue(n.Now())
	_, domain, _ := strings.Cut(strings.Trim(msg.GetFromString()[0], "<>"), "@")
	msg.SetMessageIDWithValue(strings.ToLower(e.ID + "." + m.user.id + "@" + domain))
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	if strings.HasPrefix(l.Unsubscribe, "https://") {
		if err := msg.SetListUnsubscribeOneClick(l.Unsubscribe); err != nil { // RFC 8058
			return nil, err
		}
	} else {
		msg.SetListUnsubscribe(l.Unsubscribe)
	}
	msg.SetBodyString(mail.TypeTextPlain, text.String())
	msg.AddAlternativeString(mail.TypeTextHTML, html.String())
	return msg, nil
}

// oneLine keeps a name from being more than one.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
