package connectors

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
)

func TestPathsLeadIntoTheTreeOrNowhere(t *testing.T) {
	t.Parallel()
	for asked, want := range map[string]place{
		"":                         {root, ""},
		"/":                        {root, ""},
		".":                        {root, ""},
		"..":                       {root, ""},
		"../../..":                 {root, ""},
		"/a.csv":                   {root, "a.csv"},
		"a.csv":                    {root, "a.csv"},
		"//a.csv":                  {root, "a.csv"},
		"/./a.csv/":                {root, "a.csv"},
		"/../../../etc":            {root, "etc"},
		"/processed/../a.csv":      {root, "a.csv"},
		"/processed":               {processed, ""},
		"/failed/":                 {failed, ""},
		"/failed/a.csv.reason.txt": {failed, "a.csv.reason.txt"},
		"/processed//a.csv":        {processed, "a.csv"},
		"/Processed":               {root, "Processed"},
		"/...":                     {root, "..."},
	} {
		if got, err := locate(asked); err != nil || got != want {
			t.Errorf("%q leads to %+v, %v; want %+v", asked, got, err, want)
		}
	}
	for asked, want := range map[string]error{
		"/etc/passwd":                  fs.ErrNotExist,
		"/processed/a/b":               fs.ErrNotExist,
		"/processed/failed/a":          fs.ErrNotExist,
		`/..\..\windows`:               errName,
		`C:\a.csv`:                     errName,
		"/a\x00.csv":                   errName,
		"/processed/\x00":              errName,
		"/a\nb":                        errName,
		"/\x7f":                        errName,
		"/\xff\xfe":                    errName,
		"/" + strings.Repeat("x", 256): errName,
	} {
		if got, err := locate(asked); !errors.Is(err, want) {
			t.Errorf("%q leads to %+v, %v; want %v", asked, got, err, want)
		}
	}
}

func FuzzLocate(f *testing.F) {
	for _, seed := range []string{"/", "..", "//", `\`, "\x00", "/processed/../../etc/passwd", "a/b/c", "/failed/x.reason.txt"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, asked string) {
		p, err := locate(asked)
		if err != nil {
			return
		}
		if p.folder != root && p.folder != processed && p.folder != failed {
			t.Errorf("%q leads to folder %q", asked, p.folder)
		}
		if p.name != "" && !isName(p.name) {
			t.Errorf("%q leads to the name %q", asked, p.name)
		}
	})
}

func TestTemporaryNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{".a.csv", "a.csv.part", "a.csv.tmp", "a.csv.filepart", "a.PART", ".part"} {
		if !isTemporary(name) {
			t.Errorf("%s is taken at once", name)
		}
	}
	for _, name := range []string{"a.csv", "part", "a.part.csv", "a.tmp2", "filepart"} {
		if isTemporary(name) {
			t.Errorf("%s is never taken", name)
		}
	}
}

func TestAnOlderFileMakesRoomUnderAGoodName(t *testing.T) {
	t.Parallel()
	const id = "01JDF3ZKQ8X6M4N9T2V7W5Y1AB"
	for name, want := range map[string]string{
		"a.csv": "a." + id + ".csv", "a": "a." + id, ".csv": ".csv." + id, "a.b.csv": "a.b." + id + ".csv",
	} {
		if got := makingRoom(name, id); got != want {
			t.Errorf("%s becomes %s, want %s", name, got, want)
		}
	}
	long := strings.Repeat("é", 125) + ".csv"
	if got := makingRoom(long, id); !isName(got) || !strings.HasSuffix(got, id+".csv") {
		t.Errorf("a long name becomes %q with %d bytes", got, len(got))
	}
}
