package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/knadh/koanf/parsers/toml/v2"
	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/rawbytes"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"

	"importledger/adapters/blob"
)

// settings are what is in force: from flags, else the environment, else a file,
// else the default. See settingsTable for what each one means.
type settings struct {
	Data             string     `koanf:"data"`
	Server           string     `koanf:"server"`
	Listen           string     `koanf:"listen"`
	OpsListen        string     `koanf:"ops-listen"`
	SFTPListen       string     `koanf:"sftp-listen"`
	FTPSListen       string     `koanf:"ftps-listen"`
	PublicHost       string     `koanf:"public-host"`
	SFTPHostKey      string     `koanf:"sftp-host-key"`
	FTPSCertificate  string     `koanf:"ftps-certificate"`
	FTPSKey          string     `koanf:"ftps-key"`
	FTPSPassivePorts string     `koanf:"ftps-passive-ports"`
	EventStoreURL    string     `koanf:"eventstore-url"`
	DatabaseURL      string     `koanf:"database-url"`
	BlobURL          string     `koanf:"blob-url"`
	PostgresBin      string     `koanf:"postgres-bin"`
	SecretKey        string     `koanf:"secret-key"`
	AuditKey         string     `koanf:"audit-key"`
	ClientID         string     `koanf:"client-id"`
	ClientSecret     string     `koanf:"client-secret"`
	AdminPassword    string     `koanf:"admin-password"`
	KeyIdentifier    string     `koanf:"key-identifier"`
	MaxRows          int        `koanf:"max-rows"`
	MaxColumns       int        `koanf:"max-columns"`
	MaxBytes         int64      `koanf:"max-bytes"`
	MaxField         int        `koanf:"max-field"`
	MaxRecord        int        `koanf:"max-record"`
	TracesURL        string     `koanf:"traces-url"`
	LogLevel         slog.Level `koanf:"log-level"`

	TrustedProxies    string `koanf:"trusted-proxies"`
	RequestsPerMinute int64  `koanf:"requests-per-minute"`
	AuditDays         int    `koanf:"audit-days"`
	Profiling         string `koanf:"profiling"`

	PublicURL            string `koanf:"public-url"`
	SMTPURL              string `koanf:"smtp-url"`
	SMTPPassword         string `koanf:"smtp-password"`
	MailFrom             string `koanf:"mail-from"`
	WebhooksAllowHTTP    bool   `koanf:"webhooks-allow-http"`
	WebhooksAllowPrivate bool   `koanf:"webhooks-allow-private"`

	bucketKeys blob.Credentials // of an S3 store; no settings of ours

	inForce []valueInForce // one for each line of the table
	file    string         // the configuration file that was read, if any
}

// valueInForce is one setting's value and where it came from.
type valueInForce struct {
	setting setting
	value   string
	from    origin
}

// origin is a place that settings come from, the weakest first.
type origin int

const (
	fromDefault origin = iota
	fromFile
	fromEnvironment
	fromFlag
)

// isDefault tells that nobody set it.
func (s *settings) isDefault(key string) bool {
	return slices.ContainsFunc(s.inForce, func(v valueInForce) bool { return v.setting.key == key && v.from == fromDefault })
}

// environment is a list of NAME=value.
type environment []string

// get gives a variable's value; one that is set to nothing is not set.
func (e environment) get(name string) string {
	value := ""
	for _, line := range e {
		if v, ok := strings.CutPrefix(line, name+"="); ok {
			value = v
		}
	}
	return value
}

// addSettingFlags gives a command the flags of these settings, and --config.
func addSettingFlags(flags *pflag.FlagSet, keys ...string) {
	for _, key := range keys {
		if key == configKey {
			flags.String(configKey, "", "`FILE` with settings (default: importledger.yaml or .toml in the data directory)")
			continue
		}
		s, ok := settingOf(key)
		if !ok || s.flag == "" {
			panic("no flag for the setting " + key)
		}
		// Not String with `DIR` in its text, which would be printed there as well.
		flags.Var(&settingFlag{kind: s.flag}, s.key, s.description+fallbackText(s))
	}
}

// settingFlag keeps the text of a flag; what it means is checked with all settings.
type settingFlag struct{ kind, text string }

func (f *settingFlag) String() string { return f.text }
func (f *settingFlag) Type() string   { return f.kind }
func (f *settingFlag) Set(text string) error {
	f.text = text
	return nil
}

func fallbackText(s setting) string {
	switch {
	case s.fallback != "":
		return " (default " + s.fallback + ")"
	case s.absent != "":
		return " (default: " + s.absent + ")"
	}
	return ""
}

const configKey = "config"

// load reads and checks all settings. Its errors are sentences that name the
// place to correct, and hold no value that may be secret.
func (s *settings) load(flags *pflag.FlagSet, env environment) error {
	layers := [4]map[string]any{fromDefault: {}, fromFile: {}, fromEnvironment: {}, fromFlag: {}}
	for _, row := range settingsTable {
		layers[fromDefault][row.key] = row.fallback
		if v := env.get(row.env()); v != "" {
			layers[fromEnvironment][row.key] = v
		}
		if f := flags.Lookup(row.key); row.flag != "" && f != nil && f.Changed {
			layers[fromFlag][row.key] = f.Value.String()
		}
	}
	if err := s.readFile(layers[:], flags, env); err != nil {
		return err
	}
	merged := koanf.New("")
	for _, layer := range layers {
		if err := merged.Load(confmap.Provider(layer, ""), nil); err != nil {
			return fmt.Errorf("settings cannot be put together: %w", err)
		}
	}
	s.inForce = s.inForce[:0]
	for _, row := range settingsTable {
		v := valueInForce{setting: row, value: merged.String(row.key)}
		for from, layer := range layers {
			if _, set := layer[row.key]; set {
				v.from = origin(from)
			}
		}
		if err := s.check(v); err != nil {
			return err
		}
		s.inForce = append(s.inForce, v)
	}
	if (merged.String("client-id") == "") != (merged.String("client-secret") == "") {
		return errors.New("IMPORTLEDGER_CLIENT_ID and IMPORTLEDGER_CLIENT_SECRET go together: set both, or none")
	}
	s.bucketKeys = bucketKeys(env)
	if (merged.String("ftps-certificate") == "") != (merged.String("ftps-key") == "") {
		return errors.New("IMPORTLEDGER_FTPS_CERTIFICATE and IMPORTLEDGER_FTPS_KEY go together: set both, or none")
	}
	if err := merged.Unmarshal("", s); err != nil {
		return fmt.Errorf("settings cannot be read: %w", err)
	}
	return nil
}

func (s *settings) check(v valueInForce) error {
	if v.setting.check == nil || v.value == "" && v.setting.fallback == "" {
		return nil
	}
	if err := v.setting.check(v.value); err != nil {
		return fmt.Errorf("%s %w", s.nameWhereSet(v), err)
	}
	return nil
}

// nameWhereSet names a setting as the person who set it knows it.
func (s *settings) nameWhereSet(v valueInForce) string {
	switch v.from {
	case fromFlag:
		return "--" + v.setting.key
	case fromFile:
		return v.setting.key + " in " + s.file
	case fromEnvironment, fromDefault:
	}
	return v.setting.env()
}

// readFile fills the layer of the configuration file, if there is one.
func (s *settings) readFile(layers []map[string]any, flags *pflag.FlagSet, env environment) error {
	named := env.get(envPrefix + strings.ToUpper(configKey))
	if f := flags.Lookup(configKey); f != nil && f.Changed {
		named = f.Value.String()
	}
	candidates := []string{named}
	if named == "" {
		data := layers[fromDefault]["data"]
		for _, layer := range layers[fromEnvironment:] {
			if v, set := layer["data"]; set {
				data = v
			}
		}
		dir := fmt.Sprint(data)
		candidates = []string{filepath.Join(dir, "importledger.yaml"), filepath.Join(dir, "importledger.toml")}
	}
	for _, path := range candidates {
		text, err := os.ReadFile(path)
		if named == "" && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)) {
			continue // what is no folder is said by whoever opens the data directory
		}
		if err != nil {
			return fmt.Errorf("configuration file %s cannot be read: %w", path, cause(err))
		}
		s.file = path
		return s.parseFile(text, layers[fromFile], named == "")
	}
	return nil
}

func (s *settings) parseFile(text []byte, into map[string]any, inDataDir bool) error {
	var parser koanf.Parser
	switch ext := filepath.Ext(s.file); ext {
	case ".yaml", ".yml":
		parser = yaml.Parser()
	case ".toml":
		parser = toml.Parser()
	default:
		return fmt.Errorf("configuration file %s must end in .yaml or .toml", s.file)
	}
	file := koanf.New("\x00") // no nesting: a key is a key
	if err := file.Load(rawbytes.Provider(text), parser); err != nil {
		// The parsers' reasons quote what they could not parse, a secret perhaps.
		return fmt.Errorf("configuration file %s is not valid %s", s.file, strings.ToUpper(strings.TrimPrefix(filepath.Ext(s.file), ".")))
	}
	for _, key := range file.Keys() {
		if _, known := settingOf(key); !known {
			return fmt.Errorf("configuration file %s: there is no setting %q; `importledger config` lists them", s.file, key)
		}
		if key == "data" && inDataDir {
			return fmt.Errorf("configuration file %s is in the data directory, so it cannot say where that is: set data elsewhere", s.file)
		}
		into[key] = file.String(key)
	}
	return nil
}
