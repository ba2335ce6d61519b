package main

import (
	"context"
	"io"

	"importledger/adapters/api"
	"importledger/adapters/connectors"
	"importledger/adapters/ingest"
	"importledger/aggregate"
	"importledger/commands"
)

// How many files of a connector its answers show.
const (
	filesInList = 20
	filesOfOne  = 200
)

// connectorsAPI are connectors and doors as the API knows them.
type connectorsAPI struct {
	doors   *doors
	imports *ingest.Service
}

func (c connectorsAPI) List(ctx context.Context) ([]api.Connector, error) {
	found, err := c.doors.connectors.List(ctx)
	if err != nil {
		return nil, err
	}
	return c.complete(ctx, filesInList, found...)
}

func (c connectorsAPI) Get(ctx context.Context, id string) (api.Connector, error) {
	return c.one(ctx)(c.doors.connectors.Get(ctx, id))
}

func (c connectorsAPI) Create(ctx context.Context, w api.ConnectorWish) (api.Connector, string, error) {
	made, password, err := c.doors.connectors.Create(ctx, connectors.Wish{Name: w.Name, Protocol: w.Protocol, Username: w.Username,
		PublicKeys: w.PublicKeys, Password: w.Password, Template: w.Template, By: w.By})
	one, err := c.one(ctx)(made, err)
	return one, password, err
}

func (c connectorsAPI) Change(ctx context.Context, id string, ch api.ConnectorChange) (api.Connector, error) {
	return c.one(ctx)(c.doors.connectors.Change(ctx, id, connectors.Change(ch)))
}

func (c connectorsAPI) SetPassword(ctx context.Context, id string) (api.Connector, string, error) {
	password, err := c.doors.connectors.SetPassword(ctx, id)
	if err != nil {
		return api.Connector{}, "", err
	}
	one, err := c.Get(ctx, id)
	return one, password, err
}

func (c connectorsAPI) Remove(ctx context.Context, id string) error {
	return c.doors.connectors.Remove(ctx, id)
}

func (c connectorsAPI) Activity(ctx context.Context, id string, page, pageSize int) ([]api.ConnectorActivity, int, error) {
	found, total, err := c.doors.connectors.Activity(ctx, id, page, pageSize)
	all := make([]api.ConnectorActivity, len(found))
	for i, a := range found {
		all[i] = api.ConnectorActivity(a)
	}
	return all, total, err
}

func (c connectorsAPI) Sample(ctx context.Context, read func(store func(string, io.Reader) error) (commands.Start, error)) (aggregate.Preview, error) {
	return c.imports.Sample(ctx, read)
}

// one completes what a call has found.
func (c connectorsAPI) one(ctx context.Context) func(connectors.Connector, error) (api.Connector, error) {
	return func(found connectors.Connector, err error) (api.Connector, error) {
		if err != nil {
			return api.Connector{}, err
		}
		all, err := c.complete(ctx, filesOfOne, found)
		if err != nil {
			return api.Connector{}, err
		}
		return all[0], nil
	}
}

// complete adds the files of connectors, and where their doors are.
func (c connectorsAPI) complete(ctx context.Context, most int, found ...connectors.Connector) ([]api.Connector, error) {
	ids := make([]string, len(found))
	for i, one := range found {
		ids[i] = one.ID
	}
	files, err := c.doors.connectors.Files(ctx, ids, most)
	if err != nil {
		return nil, err
	}
	all := make([]api.Connector, len(found))
	for i, one := range found {
		at := c.doors.at[one.Protocol]
		all[i] = api.Connector{ID: one.ID, Name: one.Name, Protocol: one.Protocol, Username: one.Username,
			PublicKeys: one.PublicKeys, Enabled: one.Enabled, Template: one.Template, CreatedAt: one.CreatedAt,
			Host: at.host, Port: at.port, Fingerprint: at.fingerprint}
		for _, f := range files[one.ID] {
			all[i].Files = append(all[i].Files, api.ConnectorFile{Name: f.Name, ReceivedAt: f.ReceivedAt, ImportID: f.ImportID,
				Outcome: f.Outcome, ReasonCode: f.ReasonCode, Reason: f.Reason})
		}
	}
	return all, nil
}
