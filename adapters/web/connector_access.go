package web

import (
	"errors"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"

	"importledger/commands"
)

// access is who signs in to a connector, and how, as far as it is chosen.
type access struct {
	Name     string `json:"name,omitempty"`
	Protocol string `json:"protocol,omitempty"`
	Username string `json:"username,omitempty"` // empty: the suggested one
	Password bool   `json:"password,omitempty"`
	Keys     string `json:"keys,omitempty"` // a line each
	Chosen   bool   `json:"chosen,omitempty"`
}

// accessForm is what the form of it shows.
type accessForm struct {
	access
	Suggested string // username
	Doors     []Door
	Wrong     map[string]string // by field
}

func accessOf(c Connector) access {
	return access{Name: c.Name, Protocol: c.Protocol, Username: c.Username, Password: c.HasPassword, Keys: strings.Join(c.PublicKeys, "\n")}
}

// accessForm reads the form.
func (v *visit) accessForm() access {
	form := v.r.PostForm
	a := access{Name: strings.TrimSpace(form.Get("name")), Protocol: protocolSFTP, Username: strings.ToLower(strings.TrimSpace(form.Get("username"))),
		Password: form.Get("password") != "", Keys: strings.TrimSpace(form.Get("keys")), Chosen: true}
	if form.Get("protocol") == protocolFTPS {
		a.Protocol = protocolFTPS
	}
	return a
}

// publicKeys are those that are written in the form. What is written there for a
// protocol without keys stays in the form alone.
func (a access) publicKeys() []string {
	keys := []string{}
	if a.Protocol == protocolFTPS {
		return keys
	}
	for line := range strings.Lines(a.Keys) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			keys = append(keys, line)
		}
	}
	return keys
}

// check says what nobody else would: a connector that nobody could sign in to is of
// no use.
func (a access) check() *fault {
	switch {
	case a.Name == "":
		return wrongField("name", "Give the connector a name: people find it by that.")
	case !a.Password && a.Protocol == protocolFTPS:
		return wrongField("password", "FTPS signs in with a password. Let one be made.")
	case !a.Password && len(a.publicKeys()) == 0:
		return wrongField("password", "Say how the connector signs in: let a password be made, or give a public key.")
	}
	return nil
}

func wrongField(name, message string) *fault {
	return &fault{Status: http.StatusUnprocessableEntity, Code: commands.InvalidRequest, Message: message,
		Details: []commands.Detail{{Field: name, Code: "invalid", Message: message}}}
}

// shownFields are those that a fault can stand beside, on whatever form.
var shownFields = []string{"name", "protocol", "username", "password", "publicKeys", "url"}

// wrongFields puts what is wrong beside the fields that it is about.
func wrongFields(f *fault) map[string]string {
	wrong := map[string]string{}
	if f == nil {
		return wrong
	}
	for _, d := range f.Details {
		field, index, isKey := strings.Cut(d.Field, "[")
		message := d.Message
		if n, err := strconv.Atoi(strings.TrimSuffix(index, "]")); isKey && err == nil {
			message = "Key " + strconv.Itoa(n+1) + ": " + message
		}
		if slices.Contains(shownFields, field) && wrong[field] == "" {
			wrong[field] = message
		}
	}
	return wrong
}

// generalFault is a fault that stands beside no field.
func generalFault(f *fault) *fault {
	if len(wrongFields(f)) > 0 {
		return nil
	}
	return f
}

func (v *visit) accessPage() error {
	return wizard((*visit).sampling, "access", (*visit).showAccess, (*visit).takeAccess)(v)
}

func (v *visit) showAccess(p preparing, status int, wrong *fault) error {
	form := accessForm{access: v.suggestedAccess(p), Doors: v.Connectors.Doors(), Wrong: wrongFields(wrong)}
	form.Suggested = v.Connectors.Username(form.Name, p.ID)
	return v.wizardPage(status, p, "access", p.Started.File, generalFault(wrong), form)
}

// suggestedAccess is what was chosen, or as long as nothing was, what is likely.
func (v *visit) suggestedAccess(p preparing) access {
	if p.draft.Access.Chosen {
		return p.draft.Access
	}
	a := access{Name: strings.TrimSuffix(p.Started.File.Name, path.Ext(p.Started.File.Name)), Protocol: protocolSFTP, Password: true}
	a.Name = limited(strings.TrimSpace(a.Name), maxConnectorName)
	for _, d := range v.Connectors.Doors() {
		if d.Protocol == protocolFTPS && d.Open() && slices.ContainsFunc(v.Connectors.Doors(), func(o Door) bool { return o.Protocol == protocolSFTP && !o.Open() }) {
			a.Protocol = protocolFTPS
		}
	}
	return a
}

const maxConnectorName = 100

func (v *visit) takeAccess(p *preparing) (*fault, error) {
	p.draft.Access = v.accessForm()
	return p.draft.Access.check(), nil
}

// createConnector ends the way to a new connector. The answer is the page that shows
// its password: there is no other.
func (v *visit) createConnector(p preparing) (*fault, error) {
	preview, err := p.way.preview(v, p)
	if err != nil {
		return nil, err
	}
	a := p.draft.Access
	if a.Username == "" {
		a.Username = v.Connectors.Username(a.Name, p.ID)
	}
	made, password, err := v.Connectors.Create(v.ctx(), v.by(), ConnectorWish{ID: p.ID, Name: a.Name, Protocol: a.Protocol, Username: a.Username,
		PublicKeys: a.publicKeys(), Password: a.Password, Template: p.draft.template(p.Started, preview.File)})
	if refusal, ok := errors.AsType[*commands.Refusal](err); ok && refusal.Kind != commands.Unavailable {
		if refusal.Code == connectorMade {
			return nil, v.seeOther("/connectors/" + p.ID) // the button was pressed twice
		}
		return refused(refusal), nil
	}
	if err != nil {
		return nil, err
	}
	v.untidy("a sample is left over", v.Samples.RemoveSample(v.ctx(), v.user.ID, p.ID))
	return nil, v.showConnector(http.StatusCreated, connectorView{Connector: made, Password: password, Made: true})
}

const connectorMade = "connector-made"
