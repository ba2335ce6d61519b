package main

import (
	"regexp"
	"strings"

	"github.com/spf13/cobra"
)

func (p *program) newConfigCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Print the settings in force and where each one came from",
		Long: `Print the settings in force and where each one came from. Secrets are masked.

Settings come from flags, then the environment, then a file: the one that --config
or IMPORTLEDGER_CONFIG names, else importledger.yaml or importledger.toml in the data
directory. In a file the keys are those printed here.`,
		Example: `  importledger config
  IMPORTLEDGER_MAX_ROWS=100000 importledger config --json`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			if asJSON {
				return p.term.printJSON(p.settings.describe())
			}
			t := p.term.newTable("SETTING", "VALUE", "FROM", "VARIABLE")
			for _, d := range p.settings.describe() {
				value := d.Value
				if value == "" {
					value = "(" + d.Absent + ")"
				}
				t.row(d.Key, value, d.From, d.Env)
			}
			return t.flush()
		},
	}
	addJSONFlag(cmd, &asJSON, "a list of settings")
	return cmd
}

// settingDescribed is a setting as it may be shown.
type settingDescribed struct {
	Key         string `json:"key"`
	Value       string `json:"value"` // masked where it is secret; empty: see absent
	From        string `json:"from"`
	Env         string `json:"env"`
	Absent      string `json:"absent,omitempty"` // what is in force while it is empty
	Description string `json:"description"`
}

func (s *settings) describe() []settingDescribed {
	var all []settingDescribed
	for _, v := range s.inForce {
		from := [...]string{fromDefault: "default", fromFile: s.file, fromEnvironment: "environment", fromFlag: "flag"}[v.from]
		all = append(all, settingDescribed{
			Key: v.setting.key, Value: v.masked(), From: from, Env: v.setting.env(),
			Absent: v.setting.absent, Description: v.setting.description,
		})
	}
	return all
}

const mask = "********"

func (v valueInForce) masked() string {
	if v.setting.secret && v.value != "" {
		return mask
	}
	return maskURL(v.value)
}

var secretParameter = regexp.MustCompile(`(?i)([?&][^=&]*(?:secret|password|token|key|credential)[^=&]*=)[^&]*`)

// maskURL hides passwords in a URL, and in what was meant to be one: users often
// forget to escape a password, so it ends at the last @ of all.
func maskURL(v string) string {
	scheme, rest, isURL := strings.Cut(v, "://")
	if !isURL {
		return v
	}
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		if user, _, secret := strings.Cut(rest[:at], ":"); secret {
			rest = user + ":" + mask + rest[at:]
		}
	}
	return scheme + "://" + secretParameter.ReplaceAllString(rest, "${1}"+mask)
}
