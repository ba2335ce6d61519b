package main

import (
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

// rooms says which of the ledger's own packages each room may import. An adapter
// is a room of its own. Only cmd may import everything.
var rooms = map[string][]string{
	"events":      {},
	"commands":    {"events"},
	"aggregate":   {"events", "commands"},
	"projections": {"events"},
	"adapters":    {"events", "commands", "aggregate", "projections"},
}

// pure are the rooms that have no clock, randomness or I/O: packages of the
// standard library that would bring one in may not be imported there.
var pure = map[string][]string{
	"events":      {"os", "net", "net/http", "math/rand", "math/rand/v2", "crypto/rand", "log", "log/slog"},
	"commands":    {"os", "net", "net/http", "math/rand", "math/rand/v2", "crypto/rand", "log", "log/slog", "time"},
	"aggregate":   {"os", "net", "net/http", "math/rand", "math/rand/v2", "crypto/rand", "log", "log/slog"},
	"projections": {"os", "net", "net/http", "math/rand", "math/rand/v2", "crypto/rand"},
}

// TestTheImportRule holds the architecture: who may import whom.
func TestTheImportRule(t *testing.T) {
	for _, line := range goList(t, "{{.ImportPath}} {{join .Imports \" \"}}") {
		pkg, imports := line[0], line[1:]
		room, part := roomOf(pkg)
		if room == "cmd" {
			continue
		}
		allowed, known := rooms[room]
		if !known {
			t.Errorf("%s is in no room of the architecture", pkg)
		}
		for _, imported := range imports {
			to, toPart := roomOf(imported)
			switch {
			case slices.Contains(pure[room], imported):
				t.Errorf("%s imports %s: this room does no I/O", pkg, imported)
			case to == "":
			case to == room && toPart == part:
			case room == "adapters" && to == "adapters":
				t.Errorf("%s imports %s: adapters do not know each other", pkg, imported)
			case !slices.Contains(allowed, to):
				t.Errorf("%s imports %s: %s may import only %v", pkg, imported, room, allowed)
			}
		}
	}
}

// TestAggregateAndProjectionsNeverMeet looks through all dependencies, not only
// the direct ones.
func TestAggregateAndProjectionsNeverMeet(t *testing.T) {
	for _, pair := range [][2]string{{"aggregate", "projections"}, {"projections", "aggregate"}, {"projections", "commands"}, {"events", "commands"}} {
		for _, line := range goList(t, "{{.ImportPath}} {{join .Deps \" \"}}") {
			if room, _ := roomOf(line[0]); room == pair[0] && slices.Contains(line[1:], "importledger/"+pair[1]) {
				t.Errorf("%s depends on %s", line[0], pair[1])
			}
		}
	}
}

// roomOf gives the top folder of one of our packages, and in adapters the adapter.
func roomOf(pkg string) (room, part string) {
	rest, ours := strings.CutPrefix(pkg, "importledger/")
	if !ours {
		return "", ""
	}
	parts := strings.SplitN(rest, "/", 3)
	if len(parts) > 1 {
		part = parts[1]
	}
	return parts[0], part
}

func goList(t *testing.T, format string) [][]string {
	t.Helper()
	out, err := exec.Command("go", "list", "-f", format, path.Join("importledger", "...")).Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var lines [][]string
	for line := range strings.Lines(string(out)) {
		lines = append(lines, strings.Fields(line))
	}
	if len(lines) < len(rooms) {
		t.Fatalf("only %d packages listed", len(lines))
	}
	return lines
}
