package main

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"importledger/adapters/ftps"
	"importledger/adapters/sftp"
)

// renewWithin is how long before its end a certificate is spoken of.
const renewWithin = 14 * 24 * time.Hour

func (d *doctor) sftpDoor(ctx context.Context) finding {
	if d.settings.SFTPListen == "" {
		return allWell("closed: --sftp-listen is not set")
	}
	path := cmp.Or(d.settings.SFTPHostKey, filepath.Join(d.settings.Data, "sftp-host-key"))
	content, err := os.ReadFile(path)
	what := "its host key will be made at the first start"
	switch {
	case errors.Is(err, fs.ErrNotExist) && d.settings.SFTPHostKey == "":
	case err != nil:
		return mustMend("make it readable for this user, or correct IMPORTLEDGER_SFTP_HOST_KEY", "the host key %s cannot be read (%v)", path, cause(err))
	default:
		key, err := sftp.ReadHostKey(content)
		if err != nil {
			return mustMend("name a private key as ssh-keygen writes it", "the host key %s %v", path, err)
		}
		if othersRead(path) {
			return mustMend("chmod 600 "+shellWord(path), "others may read the host key %s", path)
		}
		what = "host key " + key.Fingerprint()
	}
	return d.answersAt(ctx, d.settings.SFTPListen, what)
}

func (d *doctor) ftpsDoor(ctx context.Context) finding {
	if d.settings.FTPSListen == "" {
		return allWell("closed: --ftps-listen is not set")
	}
	certificateAt, keyAt := d.settings.FTPSCertificate, d.settings.FTPSKey
	if certificateAt == "" {
		certificateAt, keyAt = filepath.Join(d.settings.Data, "ftps-certificate.pem"), filepath.Join(d.settings.Data, "ftps-key.pem")
	}
	what := "its certificate will be made at the first start"
	if _, err := os.Stat(certificateAt); d.settings.FTPSCertificate != "" || !errors.Is(err, fs.ErrNotExist) {
		certificate, err := readCertificate(certificateAt, keyAt)
		if err != nil {
			return mustMend("correct IMPORTLEDGER_FTPS_CERTIFICATE and IMPORTLEDGER_FTPS_KEY", "%v", err)
		}
		valid := validity(certificate, certificateAt, time.Now())
		switch { // what must be mended before what is worth knowing
		case valid.State == verdictFailed:
			return valid
		case othersRead(keyAt):
			return mustMend("chmod 600 "+shellWord(keyAt), "others may read the key %s", keyAt)
		case valid.State != verdictOK:
			return valid
		}
		what = "certificate until " + certificate.ValidTo().Format(time.DateOnly)
	}
	if d.running == nil { // else the server has them
		if f := d.passivePorts(ctx); f.State != verdictOK {
			return f
		}
	}
	return d.answersAt(ctx, d.settings.FTPSListen, what+", transfers on ports "+d.settings.FTPSPassivePorts)
}

// validity is about the dates of a certificate.
func validity(c ftps.Certificate, path string, now time.Time) finding {
	const mend = "replace the certificate and its key, and start importledger again"
	switch {
	case now.After(c.ValidTo()):
		return mustMend(mend, "the certificate %s has expired on %s", path, c.ValidTo().Format(time.DateOnly))
	case now.Before(c.ValidFrom()):
		return mustMend("correct the clock, or wait", "the certificate %s is not valid before %s", path, c.ValidFrom().Format(time.DateOnly))
	case now.Add(renewWithin).After(c.ValidTo()):
		return worthKnowing(mend, "the certificate %s expires on %s", path, c.ValidTo().Format(time.DateOnly))
	}
	return allWell("valid")
}

// passivePorts tries each port that files are transferred on.
func (d *doctor) passivePorts(ctx context.Context) finding {
	ports, err := portRange(d.settings.FTPSPassivePorts)
	if err != nil {
		return mustMend("correct IMPORTLEDGER_FTPS_PASSIVE_PORTS", "the range of ports %v", err)
	}
	host, _, err := net.SplitHostPort(d.settings.FTPSListen)
	if err != nil {
		return mustMend("correct --ftps-listen", "%v", err)
	}
	taken, first := 0, 0
	for port := ports.First; port <= ports.Last; port++ {
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(port)))
		if err == nil {
			err = listener.Close()
		}
		if err != nil {
			taken++
			first = cmp.Or(first, port)
		}
	}
	switch all := ports.Last - ports.First + 1; {
	case taken == all:
		return mustMend("name others with IMPORTLEDGER_FTPS_PASSIVE_PORTS", "none of the ports %s for transfers can be listened on", d.settings.FTPSPassivePorts)
	case taken > 0:
		return worthKnowing("name others with IMPORTLEDGER_FTPS_PASSIVE_PORTS", "%d of the %d ports for transfers cannot be listened on, first %d", taken, all, first)
	}
	return allWell("free")
}

// answersAt knocks where the server on the data directory should answer; that the
// address is free where none runs is looked at with the other addresses.
func (d *doctor) answersAt(ctx context.Context, address, what string) finding {
	if d.running == nil {
		return allWell("%s, %s", address, what)
	}
	at := address
	if host, port, err := net.SplitHostPort(address); err == nil && (host == "" || net.ParseIP(host).IsUnspecified()) {
		at = net.JoinHostPort("127.0.0.1", port)
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", at)
	if err == nil {
		err = conn.Close()
	}
	if err != nil {
		return mustMend("start the server with this door open, or correct the setting", "%s does not answer (%v)", address, listenCause(err))
	}
	return allWell("%s answers, %s", address, what)
}

func othersRead(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().Perm()&0o077 != 0
}
