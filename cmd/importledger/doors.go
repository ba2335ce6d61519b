package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/oklog/ulid/v2"

	"importledger/adapters/auth"
	"importledger/adapters/connectors"
	"importledger/adapters/ftps"
	"importledger/adapters/ingest"
	"importledger/adapters/postgres"
	"importledger/adapters/sftp"
	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"
)

const (
	// applyingAtOnce and applyWithin bound the clients that have connected and not
	// signed in, of both doors together.
	applyingAtOnce = 64
	applyWithin    = 30 * time.Second
)

// doors are what files come in through by themselves: connectors, and the servers
// that they connect to, where there are any.
type doors struct {
	connectors *connectors.Connectors
	counts     *doorCounts
	sftp       *sftp.Server // nil: not opened here
	ftps       *ftps.Server
	at         map[string]doorway // by protocol

	listeners []net.Listener
	stop      context.CancelFunc
	ended     chan struct{}
}

// doorway is what clients have to know of a door.
type doorway struct {
	host        string
	port        int
	fingerprint string // of the host key or certificate; a self-signed one says so
	digest      string // the same, which does not say so
	selfSigned  []byte // the certificate as PEM where it is; nil: it is not
}

// newConnectors fits the other adapters to what connectors ask for.
func (l *ledger) newConnectors(s *settings, secret []byte) (*connectors.Connectors, error) {
	hasher, err := auth.NewHasher()
	if err != nil {
		return nil, err
	}
	return connectors.New(connectors.Deps{
		DB: l.pool, Imports: droppedImports{l.service}, Passwords: auth.NewDoors(hasher),
		NewUpload:  func(ctx context.Context) (connectors.Upload, error) { return l.blobs.Create(ctx) },
		OpenBlob:   l.blobs.Open,
		RemoveBlob: l.blobs.Remove,
		TryLock:    postgres.NewLocks(l.pool, "connector", l.logger).TryLock,
		ParseKey:   sftp.ParseKey,
		IsTransient: func(err error) bool {
			return errors.Is(err, aggregate.ErrLogUnavailable) || postgres.IsUnavailable(err)
		},
		DigestKey: derive(secret, "connectors' attempts"),
		MaxBytes:  s.MaxBytes,
		Now:       time.Now,
		NewID:     func() string { return ulid.Make().String() },
		Logger:    l.logger,
	}), nil
}

// droppedImports are the service of imports as connectors know it.
type droppedImports struct{ *ingest.Service }

func (d droppedImports) Drop(ctx context.Context, importID string, meta events.Meta, file events.File, refused *commands.Refusal, t aggregate.Template) (events.State, error) {
	imp, err := d.Service.Drop(ctx, meta, ingest.Dropped{ImportID: importID, File: file, Refused: refused, Template: t})
	return imp.State, err
}

// openDoors lets files in: a server where the settings say so, other commands by no
// door. What came in by another process is imported by all of them.
func openDoors(ctx context.Context, s *settings, command string, dir *dataDir, l *ledger, secret []byte, failed chan<- error) (_ *doors, err error) {
	d := &doors{at: map[string]doorway{}, counts: newDoorCounts(), ended: make(chan struct{})}
	if d.connectors, err = l.newConnectors(s, secret); err != nil {
		return nil, err
	}
	gate := connectors.NewGate(applyingAtOnce, applyWithin)
	if command == serving && s.SFTPListen != "" {
		err = d.openSFTP(ctx, s, dir, gate, l.logger)
	}
	if err == nil && command == serving && s.FTPSListen != "" {
		err = d.openFTPS(ctx, s, dir, gate, l.logger)
	}
	if err != nil {
		for _, listener := range d.listeners {
			err = errors.Join(err, listener.Close())
		}
		return nil, err
	}
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	d.stop = stop
	go func() {
		defer close(d.ended)
		d.connectors.Run(background)
	}()
	d.serve(failed)
	return d, nil
}

func (d *doors) serve(failed chan<- error) {
	servers := []interface{ Serve(net.Listener) error }{}
	if d.sftp != nil {
		servers = append(servers, d.sftp)
	}
	if d.ftps != nil {
		servers = append(servers, d.ftps)
	}
	for i, server := range servers {
		go func() {
			if err := server.Serve(d.listeners[i]); err != nil {
				failed <- err
			}
		}()
	}
}

func (d *doors) openSFTP(ctx context.Context, s *settings, dir *dataDir, gate *connectors.Gate, logger *slog.Logger) error {
	content, err := madeOnce(cmp.Or(s.SFTPHostKey, dir.file("sftp-host-key")), s.SFTPHostKey == "", sftp.NewHostKey)
	if err != nil {
		return err
	}
	key, err := sftp.ReadHostKey(content)
	if err != nil {
		return fmt.Errorf("the SFTP host key %s %w", cmp.Or(s.SFTPHostKey, dir.file("sftp-host-key")), err)
	}
	listener, err := openListener(ctx, s.SFTPListen, "--sftp-listen")
	if err != nil {
		return err
	}
	d.listeners = append(d.listeners, listener)
	d.at[connectors.SFTP] = doorway{host: s.publicHost(listener), port: portOf(listener), fingerprint: key.Fingerprint(), digest: key.Fingerprint()}
	door := d.entrance(connectors.SFTP, gate)
	d.sftp = sftp.New(sftp.Config{
		HostKey: key, Password: door.password, Key: door.key, Enter: door.enter, Begin: door.begin, Logger: logger,
		Refused: func(ctx context.Context, username string, from netip.Addr, why string) {
			if err := door.refused(ctx, username, from, why); err != nil {
				logger.Warn("a refused login could not be written down", "error", err)
			}
		},
	})
	return nil
}

func (d *doors) openFTPS(ctx context.Context, s *settings, dir *dataDir, gate *connectors.Gate, logger *slog.Logger) error {
	certificate, err := s.certificate(dir)
	if err != nil {
		return err
	}
	listener, err := openListener(ctx, s.FTPSListen, "--ftps-listen")
	if err != nil {
		return err
	}
	d.listeners = append(d.listeners, listener)
	d.at[connectors.FTPS] = doorway{host: s.publicHost(listener), port: portOf(listener), fingerprint: certificate.Fingerprint(), digest: certificate.Digest(), selfSigned: certificate.SelfSigned()}
	ports, err := portRange(s.FTPSPassivePorts)
	if err != nil {
		return err
	}
	door := d.entrance(connectors.FTPS, gate)
	d.ftps = ftps.New(ftps.Config{
		Certificate: certificate, PassivePorts: ports, PublicHost: s.PublicHost,
		Password: door.password, Enter: door.enter, Begin: door.begin, Logger: logger,
	})
	return nil
}

// certificate reads the one that is set, else the one that was made when the door was
// first opened.
func (s *settings) certificate(dir *dataDir) (ftps.Certificate, error) {
	certificateAt, keyAt := s.FTPSCertificate, s.FTPSKey
	if certificateAt == "" {
		certificateAt, keyAt = dir.file("ftps-certificate.pem"), dir.file("ftps-key.pem")
		if err := s.makeCertificate(certificateAt, keyAt); err != nil {
			return ftps.Certificate{}, err
		}
	}
	return readCertificate(certificateAt, keyAt)
}

func readCertificate(certificateAt, keyAt string) (ftps.Certificate, error) {
	certificate, err := os.ReadFile(certificateAt)
	if err != nil {
		return ftps.Certificate{}, fmt.Errorf("the FTPS certificate %s cannot be read: %w", certificateAt, cause(err))
	}
	key, err := os.ReadFile(keyAt)
	if err != nil {
		return ftps.Certificate{}, fmt.Errorf("the key of the FTPS certificate %s cannot be read: %w", keyAt, cause(err))
	}
	c, err := ftps.ReadCertificate(certificate, key)
	if err != nil {
		return c, fmt.Errorf("%s and %s %w", certificateAt, keyAt, err)
	}
	return c, nil
}

// makeCertificate makes a self-signed certificate where there is none. The key is
// written first: a certificate without its key would never be replaced.
func (s *settings) makeCertificate(certificateAt, keyAt string) error {
	if _, err := os.Stat(certificateAt); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	hosts := []string{"localhost", "127.0.0.1", "::1"}
	if s.PublicHost != "" {
		hosts = append(hosts, s.PublicHost)
	}
	if name, err := os.Hostname(); err == nil && name != "localhost" {
		hosts = append(hosts, name)
	}
	certificate, key, err := ftps.NewCertificate(hosts, time.Now())
	if err != nil {
		return err
	}
	return errors.Join(writeDurably(keyAt, key), writeDurably(certificateAt, certificate))
}

// madeOnce reads a file that is made where there is none and it may be.
func madeOnce(path string, mayMake bool, content func() ([]byte, error)) ([]byte, error) {
	text, err := os.ReadFile(path)
	switch {
	case err == nil:
		return text, nil
	case !mayMake || !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s cannot be read: %w", path, cause(err))
	}
	if text, err = content(); err != nil {
		return nil, err
	}
	return text, writeDurably(path, text)
}

// publicHost is the host that clients connect to.
func (s *settings) publicHost(l net.Listener) string {
	if s.PublicHost != "" {
		return s.PublicHost
	}
	host, _, err := net.SplitHostPort(reachable(l.Addr()))
	if err != nil {
		return ""
	}
	return host
}

func portOf(l net.Listener) int {
	if tcp, ok := l.Addr().(*net.TCPAddr); ok {
		return tcp.Port
	}
	return 0
}

// close closes the doors first, then lets what is being taken come to a halt.
func (d *doors) close(ctx context.Context) error {
	var all []error
	if d.sftp != nil {
		all = append(all, d.sftp.Close(ctx))
	}
	if d.ftps != nil {
		all = append(all, d.ftps.Close(ctx))
	}
	d.stop()
	select {
	case <-d.ended:
	case <-ctx.Done():
		all = append(all, fmt.Errorf("files of connectors are still being taken: %w", ctx.Err()))
	}
	return errors.Join(all...)
}
