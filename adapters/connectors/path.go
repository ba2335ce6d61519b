package connectors

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The folders of every connector.
const (
	root      = "/"
	processed = "processed"
	failed    = "failed"
)

// reasonSuffix ends the name of the file that says why another was not imported.
const reasonSuffix = ".reason.txt"

const maxName = 255 // bytes, as file systems have it

// errName is for names that could mean something else elsewhere.
var errName = errors.New("a file's name is 1 to 255 bytes of UTF-8 without control characters, / and \\")

// place is where a path leads.
type place struct {
	folder string // root, processed or failed
	name   string // empty: the folder itself
}

// locate reads a client's path. Whatever it looks like, it leads to a folder of the
// tree, to a name in one, or nowhere: fs.ErrNotExist, errName.
func locate(asked string) (place, error) {
	// Clean resolves .. against the root before anything is looked up.
	parts := strings.Split(strings.Trim(path.Clean("/"+asked), "/"), "/")
	name := parts[len(parts)-1]
	switch {
	case len(parts) == 1 && name == "":
		return place{folder: root}, nil
	case !isName(name):
		return place{}, errName
	case len(parts) == 1 && (name == processed || name == failed):
		return place{folder: name}, nil
	case len(parts) == 1:
		return place{folder: root, name: name}, nil
	case len(parts) == 2 && (parts[0] == processed || parts[0] == failed):
		return place{folder: parts[0], name: name}, nil
	}
	return place{}, fs.ErrNotExist
}

func isName(s string) bool {
	return s != "" && s != "." && s != ".." && len(s) <= maxName && utf8.ValidString(s) &&
		!strings.ContainsAny(s, `/\`) && !strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || r == utf8.RuneError })
}

// isTemporary tells names that clients give files which are not whole yet.
func isTemporary(name string) bool {
	return strings.HasPrefix(name, ".") || slices.ContainsFunc([]string{".part", ".tmp", ".filepart"}, func(end string) bool {
		return strings.HasSuffix(strings.ToLower(name), end)
	})
}

// makingRoom is the name of a file that makes room for a newer one of its name.
func makingRoom(name, importID string) string {
	ext := path.Ext(name)
	stem := strings.TrimSuffix(name, ext)
	if stem == "" {
		stem, ext = ext, ""
	}
	if over := len(stem) + len(ext) + len(importID) + 1 - maxName; over > 0 && over < len(stem) {
		stem = strings.ToValidUTF8(stem[:len(stem)-over], "")
	}
	return fmt.Sprintf("%s.%s%s", stem, importID, ext)
}
