package main

import (
	"context"
	"io"
	"net"
	"net/netip"
	"sync"

	"importledger/adapters/connectors"
	"importledger/adapters/sftp"
)

// entrance is what connectors are to the server of a protocol, whichever that is, and what
// is counted of those who come.
type entrance struct {
	connectors *connectors.Connectors
	protocol   string
	gate       *connectors.Gate
	counts     doorCount
}

func (d *doors) entrance(protocol string, gate *connectors.Gate) entrance {
	return entrance{connectors: d.connectors, protocol: protocol, gate: gate, counts: d.counts.of(protocol)}
}

func (d entrance) begin(conn net.Conn) (done func()) {
	d.counts.connections.Inc()
	d.counts.handshakes.Inc()
	known := d.gate.Begin(conn)
	over := sync.OnceFunc(d.counts.handshakes.Dec)
	return func() {
		over()
		known()
	}
}

func (d entrance) password(ctx context.Context, username string, from netip.Addr, password string) (string, error) {
	id, err := d.connectors.Password(ctx, d.protocol, username, from, password)
	if err != nil {
		d.counts.refused.Inc()
	}
	return id, err
}

func (d entrance) key(ctx context.Context, username, key string) (string, error) {
	return d.connectors.Key(ctx, d.protocol, username, key)
}

// refused is of a client that offered keys in vain and left.
func (d entrance) refused(ctx context.Context, username string, from netip.Addr, why string) error {
	d.counts.refused.Inc()
	return d.connectors.Refused(context.WithoutCancel(ctx), d.protocol, username, from, why)
}

func (d entrance) enter(ctx context.Context, id string, from netip.Addr, how string, cut func()) (sftp.Folder, error) {
	session, err := d.connectors.Enter(ctx, id, from, how, cut)
	if err != nil {
		d.counts.refused.Inc()
		return nil, err // not a nil session in an interface
	}
	d.counts.entered.Inc()
	d.counts.sessions.Inc()
	return &countedFolder{Folder: session, counts: d.counts, left: sync.OnceFunc(d.counts.sessions.Dec)}, nil
}

// countedFolder counts what comes into a folder.
type countedFolder struct {
	sftp.Folder
	counts doorCount
	left   func()
}

func (f *countedFolder) Leave() {
	f.Folder.Leave()
	f.left()
}

func (f *countedFolder) Create(ctx context.Context, path string) (sftp.Receiving, error) {
	file, err := f.Folder.Create(ctx, path)
	if err != nil {
		return nil, err // not a nil file in an interface
	}
	return &countedFile{Receiving: file, counts: f.counts}, nil
}

// countedFile counts a file when it ends, and its bytes as they come.
type countedFile struct {
	sftp.Receiving
	counts doorCount
	ended  sync.Once
}

var _ io.WriterAt = (*countedFile)(nil)

func (f *countedFile) Write(p []byte) (int, error) {
	n, err := f.Receiving.Write(p)
	f.counts.bytes.Add(float64(n))
	return n, err
}

func (f *countedFile) WriteAt(p []byte, at int64) (int, error) {
	n, err := f.Receiving.WriteAt(p, at)
	f.counts.bytes.Add(float64(n))
	return n, err
}

func (f *countedFile) TransferError(err error) {
	f.Receiving.TransferError(err)
	f.ended.Do(f.counts.broken.Inc)
}

func (f *countedFile) Close() error {
	err := f.Receiving.Close()
	f.ended.Do(func() {
		if err != nil {
			f.counts.broken.Inc()
		} else {
			f.counts.received.Inc()
		}
	})
	return err
}
