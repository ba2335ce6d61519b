package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/chromedp/chromedp"
	"golang.org/x/crypto/ssh"
)

// text is what an element of the page says.
func (p *tab) text(selector string) string {
	p.t.Helper()
	return strings.TrimSpace(evaluate[string](p, fmt.Sprintf("document.querySelector(%q)?.textContent ?? ''", selector)))
}

// facts are what the page of a connector says of it, as its client needs them.
func (p *tab) facts() connectorObject {
	p.t.Helper()
	host, fingerprint := p.text("#address"), p.text("#fingerprint")
	port, err := strconv.Atoi(p.text("#port"))
	p.must(err)
	return connectorObject{Host: &host, Port: &port, Username: p.text("#username"), Fingerprint: &fingerprint, Password: p.text("#password")}
}

// chooseSample takes the first step of a new connector and leaves the tab at what the
// file looks like.
func (p *tab) chooseSample(path string) {
	p.t.Helper()
	p.do(chromedp.SetUploadFiles(chromedp.CSS("input[type=file]"), []string{path}))
	p.click("form.upload button.primary")
	p.at("/connectors/drafts/[^/]+/file")
}

// bySFTP sends files with the client that people have, by what the page says alone.
func (p *tab) bySFTP(made connectorObject, files string, lines ...string) {
	p.t.Helper()
	sftp := clientProgram(p.t, "sftp")
	ask := filepath.Join(files, "askpass")
	p.must(os.WriteFile(ask, []byte("#!/bin/sh\necho \"$FILES_PASSWORD\"\n"), 0o700))
	env := []string{"SSH_ASKPASS=" + ask, "SSH_ASKPASS_REQUIRE=force", "FILES_PASSWORD=" + made.Password, "DISPLAY=:0"}
	runClient(p.t, env, sftp, openSSH(files, made, batch(p.t, files, lines...), "BatchMode=no", "PreferredAuthentications=password")...)
	known, err := os.ReadFile(filepath.Join(files, "known"))
	p.must(err)
	_, _, key, _, _, err := ssh.ParseKnownHosts(known)
	if err != nil || ssh.FingerprintSHA256(key) != *made.Fingerprint {
		p.t.Errorf("the host key is %s, and the page says %s (%v)", ssh.FingerprintSHA256(key), *made.Fingerprint, err)
	}
}

// byCurl sends a file with the command that the page gives, and the certificate that
// it offers.
func (p *tab) byCurl() {
	p.t.Helper()
	clientProgram(p.t, "curl")
	dir, made, command := p.t.TempDir(), p.facts(), p.text("#command-curl")
	certificate := evaluate[string](p, "fetch('/connectors/certificate.pem').then((r) => r.text())")
	p.must(os.WriteFile(filepath.Join(dir, "importledger-ftps.pem"), []byte(certificate), 0o600))
	content, err := os.ReadFile(peopleFile(p.t, "contacts.csv", 200))
	p.must(err)
	p.must(os.WriteFile(filepath.Join(dir, "contacts.csv"), content, 0o600))
	command = strings.Replace(command, "--user "+made.Username, "--user "+made.Username+":"+made.Password, 1)
	runClient(p.t, nil, "sh", "-c", "cd "+dir+" && "+command)
	p.become("document.querySelector('.files tbody tr .status-imported')")
}
