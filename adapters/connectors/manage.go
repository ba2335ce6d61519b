package connectors

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"importledger/aggregate"
	"importledger/commands"
)

// Wish is a connector that is asked for.
type Wish struct {
	ID         string // of the sample that it is made from: so it is made once; empty: a new one
	Name       string
	Protocol   string
	Username   string // empty: made from the name
	PublicKeys []string
	Password   bool // one is to be made
	Template   aggregate.Template
	By         string // id of the user or API client
}

// Change says what of a connector is to be otherwise; nil stays.
type Change struct {
	Name       *string
	Username   *string
	PublicKeys *[]string
	Template   *aggregate.Template
	Enabled    *bool
	Protocol   string // as it is; empty: not said
}

// Refusals of what is asked of connectors.
var (
	ErrNotFound = refuse(commands.NotFound, "connector-not-found", "There is no connector with this id.")
	errUsername = invalid("username", "invalid", "A username is 3 to 32 of a-z, 0-9, . _ -, and begins with a letter or digit.")
	// ErrMade is for a connector that is made from its sample once more.
	ErrMade    = refuse(commands.Conflict, "connector-made", "This connector is made already.")
	errTakenBy = refuse(commands.Conflict, "username-taken", "Another connector has this username. Choose another one.",
		commands.Detail{Field: "username", Code: "username-taken", Message: "Another connector has this username."})
)

const (
	maxConnectorName = 100 // characters
	maxKeys          = 20
)

func invalid(field, code, message string) *commands.Refusal {
	return refuse(commands.Unacceptable, commands.InvalidRequest, message, commands.Detail{Field: field, Code: code, Message: message})
}

const connectorColumns = "id, name, protocol, username, password_hash IS NOT NULL, public_keys, template, enabled, created_at, access"

func scanConnector(row pgx.CollectableRow) (Connector, error) {
	var c Connector
	err := row.Scan(&c.ID, &c.Name, &c.Protocol, &c.Username, &c.HasPassword, &c.PublicKeys, &c.Template, &c.Enabled, &c.CreatedAt, &c.access)
	return c, err
}

// List gives all connectors, newest first.
func (c *Connectors) List(ctx context.Context) ([]Connector, error) {
	rows, err := c.deps.DB.Query(ctx, "SELECT "+connectorColumns+" FROM ledger.connectors WHERE removed_at IS NULL ORDER BY created_at DESC, id DESC")
	if err != nil {
		return nil, fmt.Errorf("connectors: %w", err)
	}
	all, err := pgx.CollectRows(rows, scanConnector)
	if err != nil {
		return nil, fmt.Errorf("connectors: %w", err)
	}
	return all, nil
}

// Get gives one connector, or ErrNotFound.
func (c *Connectors) Get(ctx context.Context, id string) (Connector, error) {
	rows, err := c.deps.DB.Query(ctx, "SELECT "+connectorColumns+" FROM ledger.connectors WHERE id = $1 AND removed_at IS NULL", id)
	var found Connector
	if err == nil {
		found, err = pgx.CollectExactlyOneRow(rows, scanConnector)
	}
	if errors.Is(err, pgx.ErrNoRows) {
		return found, ErrNotFound
	}
	if err != nil {
		return found, fmt.Errorf("connector: %w", err)
	}
	return found, nil
}

// template is what a connector's files are imported by, removed or not.
func (c *Connectors) template(ctx context.Context, id string) (t aggregate.Template, err error) {
	if err = c.deps.DB.QueryRow(ctx, "SELECT template FROM ledger.connectors WHERE id = $1", id).Scan(&t); err != nil {
		return t, fmt.Errorf("template of a connector: %w", err)
	}
	return t, nil
}

// Files gives the newest files of connectors, newest first, at most so many of each.
func (c *Connectors) Files(ctx context.Context, ids []string, most int) (map[string][]File, error) {
	files, err := queryFiles(ctx, c.deps.DB, `import_id IN (
		SELECT f.import_id FROM unnest($1::text[]) AS asked (id), LATERAL (
			SELECT import_id FROM ledger.connector_files WHERE connector_id = asked.id AND state IN ('importing', 'done')
			ORDER BY received_at DESC, import_id DESC LIMIT $2) f)
		ORDER BY received_at DESC, import_id DESC`, ids, most)
	if err != nil {
		return nil, err
	}
	byConnector := map[string][]File{}
	for _, f := range files {
		byConnector[f.connectorID] = append(byConnector[f.connectorID], f.file())
	}
	return byConnector, nil
}

// Create makes a connector. The password, where one was asked for, is told here and
// never again.
func (c *Connectors) Create(ctx context.Context, w Wish) (made Connector, password string, err error) {
	made = Connector{ID: w.ID, Name: strings.TrimSpace(w.Name), Protocol: w.Protocol, Username: w.Username, Enabled: true, CreatedAt: c.deps.Now()}
	if made.ID == "" {
		made.ID = c.deps.NewID()
	}
	if made.Username == "" {
		made.Username = Username(made.Name, rand.Text())
	}
	if made.PublicKeys, err = c.checkKeys(w.Protocol, w.PublicKeys); err != nil {
		return made, "", err
	}
	if err := check(made); err != nil {
		return made, "", err
	}
	if made.Template, err = c.deps.Imports.CheckTemplate(ctx, w.Template); err != nil {
		return made, "", err
	}
	var hash *string
	if w.Password {
		made.HasPassword = true
		if password, hash, err = c.newPassword(); err != nil {
			return made, "", err
		}
	}
	_, err = c.deps.DB.Exec(ctx, `
		INSERT INTO ledger.connectors (id, name, protocol, username, password_hash, public_keys, template, enabled, created_at, created_by)
		VALUES ($1, $2, $3, $4, $5, $6, $7, true, $8, $9)`,
		made.ID, made.Name, made.Protocol, made.Username, hash, made.PublicKeys, made.Template, made.CreatedAt, w.By)
	return made, password, taken(err)
}

// taken tells that somebody else has the username, or the connector is there.
func taken(err error) error {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && pg.Code == "23505" && pg.ConstraintName == "connectors_username" {
		return errTakenBy
	}
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && pg.Code == "23505" && pg.ConstraintName == "connectors_pkey" {
		return ErrMade
	}
	if err != nil {
		return fmt.Errorf("write a connector: %w", err)
	}
	return nil
}

// newPassword makes a password of 130 random bits, and what is stored of it.
func (c *Connectors) newPassword() (password string, hash *string, err error) {
	password = rand.Text()
	h, err := c.deps.Passwords.Hash(password)
	return password, &h, err
}

// SetPassword gives a connector a new password; the old one stops working at once,
// and the sessions that began with it end.
func (c *Connectors) SetPassword(ctx context.Context, id string) (password string, err error) {
	password, hash, err := c.newPassword()
	if err != nil {
		return "", err
	}
	return password, c.update(ctx, id, "password_hash = $2, access = access + 1", hash)
}

// Change changes a connector, in nothing but what is asked.
func (c *Connectors) Change(ctx context.Context, id string, ch Change) (Connector, error) {
	before, err := c.Get(ctx, id)
	if err != nil {
		return before, err
	}
	if ch.Protocol != "" && ch.Protocol != before.Protocol {
		return before, invalid("protocol", "fixed", "The protocol of a connector cannot be changed. Make another connector.")
	}
	after := before
	if ch.Name != nil {
		*ch.Name = strings.TrimSpace(*ch.Name)
		after.Name = *ch.Name
	}
	if ch.Username != nil {
		after.Username = *ch.Username
	}
	if ch.PublicKeys != nil {
		if *ch.PublicKeys, err = c.checkKeys(before.Protocol, *ch.PublicKeys); err != nil {
			return before, err
		}
		after.PublicKeys = *ch.PublicKeys
	}
	if ch.Enabled != nil {
		after.Enabled = *ch.Enabled
	}
	if err := check(after); err != nil {
		return before, err
	}
	if ch.Template != nil {
		// A segment that is new with the template is known by nobody else yet.
		if own := before.Template.Segment; own != nil && ch.Template.Segment != nil && ch.Template.Segment.ID == own.ID {
			ch.Template.Segment = own
		}
		if *ch.Template, err = c.deps.Imports.CheckTemplate(ctx, *ch.Template); err != nil {
			return before, err
		}
	}
	newAccess := 0
	if after.Username != before.Username || after.Enabled != before.Enabled || !slices.Equal(after.PublicKeys, before.PublicKeys) {
		newAccess = 1
	}
	err = c.update(ctx, id, `name = coalesce($2, name), username = coalesce($3, username), public_keys = coalesce($4, public_keys),
		enabled = coalesce($5, enabled), template = coalesce($6, template), access = access + $7`,
		ch.Name, ch.Username, ch.PublicKeys, ch.Enabled, ch.Template, newAccess)
	if err != nil {
		return before, err
	}
	return c.Get(ctx, id)
}

// Remove takes a connector away. Files that it had closed are still imported.
func (c *Connectors) Remove(ctx context.Context, id string) error {
	return c.update(ctx, id, "removed_at = $2, enabled = false, password_hash = NULL, public_keys = '{}', access = access + 1", c.deps.Now())
}

func (c *Connectors) update(ctx context.Context, id, set string, args ...any) error {
	tag, err := c.deps.DB.Exec(ctx, "UPDATE ledger.connectors SET "+set+" WHERE id = $1 AND removed_at IS NULL", append([]any{id}, args...)...)
	if err == nil && tag.RowsAffected() == 0 {
		return ErrNotFound
	}
	return taken(err)
}

var username = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{2,31}$`)

func check(c Connector) error {
	switch {
	case c.Protocol != SFTP && c.Protocol != FTPS:
		return invalid("protocol", "unknown", "The protocol is sftp or ftps.")
	case c.Name == "" || utf8.RuneCountInString(c.Name) > maxConnectorName:
		return invalid("name", "length", fmt.Sprintf("A connector has a name of at most %d characters.", maxConnectorName))
	case !username.MatchString(c.Username):
		return errUsername
	}
	return nil
}

// checkKeys reads SSH keys and gives them in their one form.
func (c *Connectors) checkKeys(protocol string, lines []string) ([]string, error) {
	keys := make([]string, 0, len(lines))
	switch {
	case len(lines) > 0 && protocol == FTPS:
		return nil, invalid("publicKeys", "not-in-protocol", "Public keys go with the protocol sftp. FTPS signs in with a password.")
	case len(lines) > maxKeys:
		return nil, invalid("publicKeys", "too-many", fmt.Sprintf("A connector has at most %d public keys.", maxKeys))
	}
	for i, line := range lines {
		key, err := c.deps.ParseKey(line)
		if err != nil {
			return nil, invalid(fmt.Sprintf("publicKeys[%d]", i), "key-invalid", err.Error())
		}
		keys = append(keys, key)
	}
	return keys, nil
}

var notInUsername = regexp.MustCompile(`[^a-z0-9]+`)

// Username makes a username that shows whose it is, and that nobody has where the
// salt, of which the last six letters count, is nobody else's.
func Username(name, salt string) string {
	stem := strings.Trim(notInUsername.ReplaceAllString(strings.ToLower(name), "-"), "-")
	if len(stem) > 24 {
		stem = strings.TrimRight(stem[:24], "-")
	}
	if stem == "" {
		stem = "connector"
	}
	return stem + "-" + strings.ToLower(salt[max(0, len(salt)-6):])
}
