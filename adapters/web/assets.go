package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"time"
)

//go:embed static
var staticFiles embed.FS

// assets are the style sheet, the modules and the images, under an address that
// changes with any of them, so that browsers may keep them for ever and modules find
// each other by relative names.
type assets struct {
	version string
	files   map[string][]byte
}

func loadAssets() (*assets, error) {
	a := &assets{files: map[string][]byte{}}
	sum := sha256.New()
	err := fs.WalkDir(staticFiles, "static", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := staticFiles.ReadFile(name)
		a.files[name[len("static/"):]] = content
		fmt.Fprintf(sum, "%s %d\n%s", name, len(content), content)
		return err
	})
	a.version = hex.EncodeToString(sum.Sum(nil))[:12]
	return a, err
}

func (a *assets) url(file string) (string, error) {
	if _, ok := a.files[file]; !ok {
		return "", fmt.Errorf("there is no static file %q", file)
	}
	return "/static/" + a.version + "/" + file, nil
}

var mediaTypes = map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}

// static serves a file. One that another version of the program asks for is answered
// too, and not kept: it is better than a page without its style.
func (v *visit) static() error {
	file := v.r.PathValue("file")
	content, ok := v.assets.files[file]
	if !ok {
		return errNoPage
	}
	v.w.Header().Set("Content-Type", mediaTypes[path.Ext(file)])
	if v.r.PathValue("version") == v.assets.version {
		v.w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	http.ServeContent(v.w, v.r, "", time.Time{}, bytes.NewReader(content))
	return nil
}
