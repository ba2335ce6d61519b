package web

import (
	"importledger/events"
	"importledger/projections"
)

// fromConnectors gives what the connectors are called that imports came from, by
// their ids. Imports that people started cost nothing.
func (v *visit) fromConnectors(imports ...projections.Import) (map[string]ConnectorName, error) {
	var ids []string
	for _, i := range imports {
		if i.Type == events.FTPTemplate {
			ids = append(ids, i.UserID)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	return v.Connectors.Names(v.ctx(), ids)
}

// connectorOf is the name with the way to the connector, where there is one for who
// looks.
func connectorOf(names map[string]ConnectorName, i projections.Import) *connectorLink {
	name, known := names[i.UserID]
	if !known {
		return nil
	}
	return &connectorLink{ID: i.UserID, ConnectorName: name}
}

// connectorLink names the connector that an import came from.
type connectorLink struct {
	ID string
	ConnectorName
}
