package projections

import (
	"context"
	"encoding/json"
	"fmt"

	"importledger/events"
)

// Channel is the Postgres channel on which projectors announce what they have
// committed. ParseAnnouncement reads what comes there.
const Channel = "importledger_changes"

// Announcement is what a projector tells the other processes after a transaction.
// It is a hint and may get lost: whoever waits for something also looks for itself
// now and then. It names imports and numbers, nothing that is in them.
type Announcement struct {
	Model    string `json:"model"`
	Position string `json:"position,omitempty"` // that the read model has reached
	Events   int    `json:"events,omitempty"`   // that the transaction applied
	Changed
}

// Changed is which imports have changed in the imports list.
type Changed struct {
	Imports map[string]uint64 `json:"imports,omitempty"` // id → revision that the list shows now
	All     bool              `json:"all,omitempty"`     // others too, nobody knows which
}

// mostNamed is how many imports a Changed names before it says all: an
// announcement has at most 8000 bytes.
const mostNamed = 128

// Merge gives the changes of both.
func (c Changed) Merge(later Changed) Changed {
	merged := Changed{All: c.All || later.All, Imports: make(map[string]uint64, len(c.Imports)+len(later.Imports))}
	for _, part := range []Changed{c, later} {
		for id, revision := range part.Imports {
			merged.add(id, revision)
		}
	}
	return merged
}

// Of tells whether an import may have changed to more than the first events of it.
func (c Changed) Of(importID string, events uint64) bool {
	revision, named := c.Imports[importID]
	return c.All || named && revision >= events
}

// Only leaves one import.
func (c Changed) Only(importID string) Changed {
	revision, named := c.Imports[importID]
	if !named {
		return Changed{All: c.All}
	}
	return Changed{Imports: map[string]uint64{importID: revision}, All: c.All}
}

// Empty tells that nothing has changed.
func (c Changed) Empty() bool { return !c.All && len(c.Imports) == 0 }

func (c *Changed) add(id string, revision uint64) {
	if c.Imports == nil {
		c.Imports = map[string]uint64{}
	}
	before, named := c.Imports[id]
	if !named && len(c.Imports) == mostNamed {
		c.All = true
		return
	}
	c.Imports[id] = max(before, revision)
}

// changedBy is what events change in the imports list.
func changedBy(all []events.Envelope) Changed {
	var c Changed
	for _, e := range all {
		if id, ok := events.ImportOfStream(e.Stream); ok {
			c.add(id, e.Revision)
		}
	}
	return c
}

// ParseAnnouncement reads an announcement.
func ParseAnnouncement(payload string) (Announcement, error) {
	var a Announcement
	if err := json.Unmarshal([]byte(payload), &a); err != nil {
		return Announcement{}, fmt.Errorf("announcement: %w", err)
	}
	return a, nil
}

// announce tells all processes what was committed. It is no part of that
// transaction: a full queue of notifications would stop the read model.
func (p *Projector) announce(ctx context.Context, a Announcement) {
	text, err := json.Marshal(a)
	if err == nil {
		_, err = p.pool.Exec(ctx, "SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, $2)", Channel, string(text))
	}
	if err != nil && ctx.Err() == nil {
		p.config.Logger.Warn("cannot announce a change; who waits for it finds it a little later", "model", a.Model, "error", cause(err))
	}
}

// announceCommit announces a run that was written.
func (p *Projector) announceCommit(ctx context.Context, t *tracked, r run) {
	if len(r.events) == 0 {
		return
	}
	a := Announcement{Model: t.name, Position: r.until.String(), Events: len(r.events)}
	if t.name == ImportsList {
		a.Changed = changedBy(r.events)
	}
	p.announce(ctx, a)
}

// Heard takes in an announcement, of this process or another: who waits for a read
// model looks again.
func (p *Projector) Heard(a Announcement) {
	if t := p.tracked(a.Model); t != nil {
		t.heard(a.Events, p.config.Now())
	}
	p.moves.broadcast()
}
