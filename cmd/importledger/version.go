package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is set by the linker when a release is built; else the module's own
// version is told.
var version string

type versionInfo struct {
	Version string `json:"version"`
	Commit  string `json:"commit,omitempty"`
	Go      string `json:"go"`
	OS      string `json:"os"`
	Arch    string `json:"arch"`
}

func readVersion() versionInfo {
	v := versionInfo{Version: version, Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if v.Version == "" {
		v.Version = "(devel)"
		if ok && info.Main.Version != "" {
			v.Version = info.Main.Version
		}
	}
	if ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				v.Commit = s.Value
			}
		}
	}
	return v
}

func (p *program) newVersionCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Example: "  importledger version\n  importledger version --json",
		Args:    noArgs,
		RunE: func(*cobra.Command, []string) error {
			v := readVersion()
			if asJSON {
				return p.term.printJSON(v)
			}
			commit := ""
			if v.Commit != "" {
				commit = " " + v.Commit[:min(12, len(v.Commit))]
			}
			_, err := fmt.Fprintf(p.term.out, "importledger %s%s (%s, %s/%s)\n", v.Version, commit, v.Go, v.OS, v.Arch)
			return err
		},
	}
	addJSONFlag(cmd, &asJSON, "one object")
	return cmd
}
