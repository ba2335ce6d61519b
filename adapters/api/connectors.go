package api

import (
	"context"
	"io"
	"mime"
	"net/http"
	"net/url"

	"github.com/danielgtaylor/huma/v2"

	"importledger/aggregate"
	"importledger/commands"
)

// Connectors lets files come in by SFTP and FTPS. A connector that does not exist is
// a *commands.Refusal of kind NotFound.
type Connectors interface {
	List(ctx context.Context) ([]Connector, error)
	Get(ctx context.Context, id string) (Connector, error)
	// Create gives the password, where one was asked for: it is told once.
	Create(ctx context.Context, w ConnectorWish) (made Connector, password string, err error)
	Change(ctx context.Context, id string, c ConnectorChange) (Connector, error)
	SetPassword(ctx context.Context, id string) (changed Connector, password string, err error)
	Remove(ctx context.Context, id string) error
	Activity(ctx context.Context, id string, page, pageSize int) (all []ConnectorActivity, total int, err error)
	// Sample looks at a file like those that will come, and keeps nothing of it. It
	// calls read once; read hands the file's bytes to store and gives what was asked
	// beside it.
	Sample(ctx context.Context, read func(store func(name string, r io.Reader) error) (commands.Start, error)) (aggregate.Preview, error)
}

// ConnectorID is exported because huma passes over what is not.
type ConnectorID struct {
	ID string `path:"id" maxLength:"100"`
}

type createConnector struct {
	Body connectorWish
}

type changeConnector struct {
	ConnectorID
	Body connectorChange
}

type createdConnector struct {
	Location string `header:"Location"`
	Body     connectorWithPassword
}

type connectorAnswer struct{ Body ConnectorObject }

type activityQuery struct {
	ConnectorID
	PageQuery
}

type activityPage struct {
	Pagination pagination       `json:"pagination"`
	Items      []activityObject `json:"items"`
}

func (a *API) addConnectors() {
	const tag = "Connectors"
	missing := []int{http.StatusNotFound}
	conflicts := []int{http.StatusNotFound, http.StatusConflict}
	register(a, operation{route: "GET /people/connectors", id: "list-connectors", tag: tag, summary: "List connectors"}, a.listConnectors)
	register(a, operation{route: "POST /people/connectors", id: "create-connector", tag: tag, status: http.StatusCreated,
		summary: "Let files come in by SFTP or FTPS", errors: []int{http.StatusConflict},
		about: "A file that is put into the connector's folder becomes an import by the template as soon as its client has closed it. " +
			"With \"password\":true a password is made, told in this answer and never again."}, a.createConnector)
	register(a, operation{route: "POST /people/connectors/sample", id: "sample-connector", tag: tag,
		summary: "Look at a file like those that will come: its columns, and a suggested mapping for a template", about: "Nothing of the file is kept.",
		errors: []int{http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType}}, a.sampleConnector)
	describeForm[sampleForm](a, "/people/connectors/sample")
	register(a, operation{route: "GET /people/connectors/{id}", id: "get-connector", tag: tag, summary: "Get a connector", errors: missing}, a.getConnector)
	register(a, operation{route: "PUT /people/connectors/{id}", id: "change-connector", tag: tag,
		summary: "Change a connector", about: "What is not named stays. With \"enabled\":false its open sessions are cut within 5 s.", errors: conflicts}, a.changeConnector)
	register(a, operation{route: "DELETE /people/connectors/{id}", id: "remove-connector", tag: tag, status: http.StatusNoContent,
		summary: "Remove a connector", about: "Files that it had closed before are still imported.", errors: missing}, a.removeConnector)
	register(a, operation{route: "POST /people/connectors/{id}/password", id: "renew-connector-password", tag: tag,
		summary: "Make a new password, told once", about: "The old one stops working, and open sessions are cut.", errors: missing}, a.renewPassword)
	register(a, operation{route: "GET /people/connectors/{id}/activity", id: "list-connector-activity", tag: tag,
		summary: "List logins, files and refusals of a connector, newest first", errors: missing}, a.connectorActivity)
}

func (a *API) listConnectors(ctx context.Context, _ *struct{}) (*struct{ Body []ConnectorObject }, error) {
	all, err := a.connectors.List(ctx)
	if err != nil {
		return nil, err
	}
	body := make([]ConnectorObject, len(all))
	for i, c := range all {
		body[i] = connectorOf(c)
	}
	return &struct{ Body []ConnectorObject }{body}, nil
}

func (a *API) getConnector(ctx context.Context, in *struct{ ConnectorID }) (*connectorAnswer, error) {
	c, err := a.connectors.Get(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &connectorAnswer{connectorOf(c)}, nil
}

func (a *API) createConnector(ctx context.Context, in *createConnector) (*createdConnector, error) {
	wish, err := in.Body.wish(requestOf(ctx).caller.id)
	if err != nil {
		return nil, err
	}
	made, password, err := a.connectors.Create(ctx, wish)
	if err != nil {
		return nil, err
	}
	a.noteConnector(ctx, "connector.created", made.ID, made.Protocol)
	return &createdConnector{Location: "/people/connectors/" + url.PathEscape(made.ID), Body: connectorWithPassword{connectorOf(made), password}}, nil
}

func (a *API) changeConnector(ctx context.Context, in *changeConnector) (*connectorAnswer, error) {
	change, err := in.Body.change()
	if err != nil {
		return nil, err
	}
	c, err := a.connectors.Change(ctx, in.ID, change)
	if err != nil {
		return nil, err
	}
	a.noteConnector(ctx, "connector.changed", in.ID, in.Body.changes())
	return &connectorAnswer{connectorOf(c)}, nil
}

func (a *API) removeConnector(ctx context.Context, in *struct{ ConnectorID }) (*struct{}, error) {
	if err := a.connectors.Remove(ctx, in.ID); err != nil {
		return nil, err
	}
	a.noteConnector(ctx, "connector.removed", in.ID, "")
	return nil, nil
}

// noteConnector tells the audit log. What was done stays done when it cannot be told:
// a password that was made would be lost with the answer.
func (a *API) noteConnector(ctx context.Context, action, id, detail string) {
	a.logSoft(ctx, a.access.Audit.Note(ctx, action, a.by(ctx), id, detail))
}

func (a *API) renewPassword(ctx context.Context, in *struct{ ConnectorID }) (*struct{ Body connectorWithPassword }, error) {
	c, password, err := a.connectors.SetPassword(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	a.noteConnector(ctx, "connector.password-renewed", in.ID, "")
	return &struct{ Body connectorWithPassword }{connectorWithPassword{connectorOf(c), password}}, nil
}

func (a *API) connectorActivity(ctx context.Context, in *activityQuery) (*struct{ Body activityPage }, error) {
	found, total, err := a.connectors.Activity(ctx, in.ID, in.Page, in.PageSize)
	if err != nil {
		return nil, err
	}
	page := activityPage{Items: make([]activityObject, len(found))}
	for i, e := range found {
		page.Items[i] = activityObject{At: e.At.UnixMilli(), Action: e.Action, File: orNull(e.File), ImportID: orNull(e.ImportID),
			Detail: orNull(e.Detail), Network: orNull(e.Network), Times: e.Times}
	}
	page.Pagination = paginate(in.PageQuery, total, len(found), "/people/connectors/"+url.PathEscape(in.ID)+"/activity", url.Values{})
	return &struct{ Body activityPage }{page}, nil
}

// sampleForm describes the form in the OpenAPI document; uploadFields reads it.
type sampleForm struct {
	File       string `json:"file" format:"binary" doc:"A CSV file with the columns that files will have. Exactly one."`
	ImportMode string `json:"importMode,omitempty" enum:"contacts,events" default:"contacts"`
	EventName  string `json:"eventName,omitempty" maxLength:"255"`
	Separator  string `json:"separator,omitempty" doc:"Sniffed when absent."`
	Encoding   string `json:"encoding,omitempty" doc:"Sniffed when absent."`
}

func (a *API) sampleConnector(ctx context.Context, in *createRequest) (*struct{ Body previewObject }, error) {
	if mediaType, _, err := mime.ParseMediaType(in.r.Header.Get("Content-Type")); err != nil || mediaType != "multipart/form-data" {
		return nil, answer(http.StatusUnsupportedMediaType, "media-type-unsupported", "Send the file as multipart/form-data, in a part named file.")
	}
	parts, err := in.r.MultipartReader()
	if err != nil {
		return nil, malformedForm(err)
	}
	p, err := a.connectors.Sample(ctx, func(store func(string, io.Reader) error) (commands.Start, error) {
		start, _, err := readUpload(parts, store)
		return start, err
	})
	if err != nil {
		drain(in.r.Body)
		return nil, err
	}
	return &struct{ Body previewObject }{previewOf(p)}, nil
}

// describeForm tells the document of a body that is read as it arrives: with a body
// of its own huma would read the upload into memory.
func describeForm[T any](a *API, path string) {
	if route := a.huma.OpenAPI().Paths[path]; route != nil && route.Post != nil {
		form := schemaOf[T](a.huma.OpenAPI().Components.Schemas)
		route.Post.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"multipart/form-data": {Schema: form}}}
	}
}
