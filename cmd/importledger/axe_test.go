package main

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// axeVersion is of axe-core, which finds what shuts people out. It is fetched by npm
// and kept outside the repository: it is not ours.
const axeVersion = "4.14.1"

var axeSource = sync.OnceValues(func() (string, error) {
	caches, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(caches, "importledger-tests")
	archive := filepath.Join(dir, "axe-core-"+axeVersion+".tgz")
	if _, err := os.Stat(archive); errors.Is(err, os.ErrNotExist) {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return "", err
		}
		fetch := exec.Command("npm", "pack", "--silent", "axe-core@"+axeVersion, "--pack-destination", dir)
		if said, err := fetch.CombinedOutput(); err != nil {
			return "", fmt.Errorf("npm cannot fetch axe-core: %w: %s", err, said)
		}
	}
	return fileOf(archive, "package/axe.min.js")
})

// fileOf reads one file of a package of npm.
func fileOf(archive, name string) (text string, err error) {
	f, err := os.Open(archive)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	unzipped, err := gzip.NewReader(f)
	if err != nil {
		return "", err
	}
	for files := tar.NewReader(unzipped); ; {
		header, err := files.Next()
		if err != nil {
			return "", fmt.Errorf("%s in %s: %w", name, archive, err)
		}
		if header.Name == name {
			content, err := io.ReadAll(files)
			return string(content), err
		}
	}
}

// axe gives the program that looks, or ends the test as chromium does.
func axe(t testing.TB) string {
	t.Helper()
	source, err := axeSource()
	if err != nil && os.Getenv(browserNeeded) != "" {
		t.Fatal(err)
	}
	if err != nil {
		t.Skip(err)
	}
	return source
}

// violation is what axe-core reports.
type violation struct {
	ID    string `json:"id"`
	Help  string `json:"help"`
	Nodes []struct {
		HTML           string `json:"html"`
		FailureSummary string `json:"failureSummary"`
	} `json:"nodes"`
}

// accessible looks at the page as it is now, in both themes and at both widths: for
// what axe-core finds, and for a page that is wider than its window.
func (p *tab) accessible(state string) {
	p.t.Helper()
	source := axe(p.t)
	for _, l := range looks {
		p.lookAs(l)
		evaluate[any](p, source+";null")
		found := evaluate[string](p, `axe.run(document, {resultTypes: ["violations"], runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]})
			.then((r) => JSON.stringify(r.violations))`)
		var violations []violation
		p.must(json.Unmarshal([]byte(found), &violations))
		for _, v := range violations {
			var where []string
			for _, n := range v.Nodes[:min(3, len(v.Nodes))] {
				where = append(where, n.HTML+"\n      "+strings.ReplaceAll(n.FailureSummary, "\n", "\n      "))
			}
			p.t.Errorf("%s, %d px, %s: %s (%s, %d places)\n    %s", state, l.width, l.theme, v.Help, v.ID, len(v.Nodes), strings.Join(where, "\n    "))
		}
		if wide := evaluate[int](p, "document.documentElement.scrollWidth - innerWidth"); wide > 0 {
			p.t.Errorf("%s, %d px: the page is %d px wider than its window", state, l.width, wide)
		}
		p.keepLook(state, l)
	}
	p.lookAs(looks[0])
}
