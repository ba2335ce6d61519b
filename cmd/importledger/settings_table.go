package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"importledger/adapters/auth"
	"importledger/adapters/ftps"
	"importledger/adapters/notify"
	"importledger/events"
)

// envPrefix begins the environment variable of every setting: the rest is its
// key in capitals, with _ for -.
const envPrefix = "IMPORTLEDGER_"

// setting is one line of the table that everything about settings is read from:
// loading, flags, validation, what config prints.
type setting struct {
	key         string // in a file; also the flag, where there is one
	fallback    string
	absent      string // what is in force while it is empty, for people
	flag        string // what its value is, where there is a flag: never for what may hold a secret
	secret      bool
	check       func(string) error // nil: anything goes; the error says what it must be
	description string
}

func (s setting) env() string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(s.key, "-", "_"))
}

var settingsTable = []setting{
	{key: "data", fallback: "./importledger-data", flag: "DIR", check: notEmpty,
		description: "data directory, for everything embedded"},
	{key: "server", flag: "URL", check: isServerURL, absent: "the one that runs on the data directory",
		description: "URL of the server that commands work on"},
	{key: "listen", fallback: "127.0.0.1:8080", flag: "ADDRESS", check: isAddress,
		description: "address of web pages and API"},
	{key: "ops-listen", fallback: "127.0.0.1:9090", flag: "ADDRESS", check: isAddress,
		description: "address of metrics and health"},
	{key: "sftp-listen", flag: "ADDRESS", check: isAddress, absent: "off",
		description: "address of the SFTP door"},
	{key: "ftps-listen", flag: "ADDRESS", check: isAddress, absent: "off",
		description: "address of the FTPS door"},
	{key: "public-host", check: isHost, absent: "the address that a door listens on",
		description: "name or address that clients of the SFTP and FTPS doors connect to"},
	{key: "sftp-host-key", absent: "made once, in the data directory",
		description: "file of the SFTP door's private key, as ssh-keygen writes it"},
	{key: "ftps-certificate", absent: "self-signed, made once, in the data directory",
		description: "file of the FTPS door's certificate, PEM"},
	{key: "ftps-key", absent: "made with the certificate",
		description: "file of the FTPS certificate's private key, PEM"},
	{key: "ftps-passive-ports", fallback: "30000-30099", check: isPortRange,
		description: "ports that FTPS transfers files on"},
	{key: "eventstore-url", check: isEventStoreURL, absent: "embedded node in the data directory",
		description: "esdb://… of an EventStoreDB or KurrentDB server or cluster"},
	{key: "database-url", check: isDatabaseURL, absent: "private cluster in the data directory",
		description: "postgres://… of a database"},
	{key: "blob-url", check: isBlobURL, absent: "folder in the data directory",
		description: "file:///… or s3://bucket?…, for uploaded files"},
	{key: "postgres-bin", absent: "found on this machine",
		description: "folder of the Postgres server programs, for the private cluster"},
	{key: "secret-key", secret: true, check: isSecretKey, absent: "made once, in the data directory",
		description: "32 bytes, base64: keys contact ids and tokens"},
	{key: "audit-key", secret: true, check: isSecretKey, absent: "made once, in the data directory",
		description: "32 bytes, base64: make the key that exports of imports are signed with"},
	{key: "client-id", absent: "none",
		description: "API client that exists from the start, or that commands sign in as"},
	{key: "client-secret", secret: true, absent: "none",
		description: "its secret"},
	{key: "admin-password", secret: true, absent: "a random one, printed at the first start",
		description: "password of the user admin"},
	{key: "trusted-proxies", check: isProxies, absent: "none: a request comes from whoever connects",
		description: "addresses and networks of reverse proxies, separated by commas"},
	{key: "requests-per-minute", fallback: "300000", check: isCount,
		description: "requests of one API client or user, all processes together"},
	{key: "audit-days", fallback: "400", check: isRetention,
		description: "how long sign-ins, refusals and administrative changes are kept"},
	{key: "traces-url", check: isHTTPURL, absent: "as OTEL_EXPORTER_OTLP_ENDPOINT says, else no traces",
		description: "OTLP collector that traces are sent to, http://…:4318/v1/traces"},
	{key: "public-url", check: isPublicURL, absent: "none: messages have no links",
		description: "address that people reach the web interface at, such as https://ledger.example.org"},
	{key: "smtp-url", check: isSMTPURL, absent: "none: no mail is sent",
		description: "smtp://USER@HOST:587 or smtps://…, the server that mail goes out by"},
	{key: "smtp-password", secret: true, absent: "none",
		description: "password of its user"},
	{key: "mail-from", check: notify.IsSender, absent: "none",
		description: "who mail is from, such as importledger <ledger@example.org>"},
	{key: "webhooks-allow-http", fallback: "false", check: oneOf("true", "false"),
		description: "webhooks may be called without TLS"},
	{key: "webhooks-allow-private", fallback: "false", check: oneOf("true", "false"),
		description: "webhooks may have addresses that are not public"},
	{key: "key-identifier", fallback: events.Email, check: oneOf(events.KeyIdentifiers...),
		description: "what says which contact a row is about, for a new ledger: email, phone or externalId"},
	{key: "max-rows", fallback: "20000", check: isCount,
		description: "rows that a file may have below its header"},
	{key: "max-columns", fallback: "100", check: isCount,
		description: "columns that a file may have"},
	{key: "max-bytes", fallback: "20000000", check: isCount,
		description: "bytes that a file may have"},
	{key: "max-field", fallback: "65536", check: isRecordLimit,
		description: "bytes that a field of a file may have"},
	{key: "max-record", fallback: "1048576", check: isRecordLimit,
		description: "bytes that a row of a file may have"},
	{key: "profiling", fallback: "off", check: oneOf("on", "off"),
		description: "on: the operations address also serves /debug/pprof"},
	{key: "log-level", fallback: "info", flag: "LEVEL", check: isLogLevel,
		description: "debug, info, warn or error"},
}

func settingOf(key string) (setting, bool) {
	i := slices.IndexFunc(settingsTable, func(s setting) bool { return s.key == key })
	if i < 0 {
		return setting{}, false
	}
	return settingsTable[i], true
}

// Checks say what a value must be. They never quote it: it may hold a password.

func notEmpty(v string) error {
	if v == "" {
		return errors.New("must name a folder")
	}
	return nil
}

func isServerURL(v string) error {
	u, err := url.Parse(v)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.User != nil {
		return errors.New("must be the address of a server, such as http://127.0.0.1:8080")
	}
	return nil
}

func isHTTPURL(v string) error {
	return hasScheme(v, "the address of an OTLP collector, such as http://127.0.0.1:4318/v1/traces", "http", "https")
}

func isPublicURL(v string) error {
	u, err := url.Parse(v)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil || u.Path != "" && u.Path != "/" {
		return errors.New("must be an address without a path, such as https://ledger.example.org")
	}
	return nil
}

func isSMTPURL(v string) error {
	_, err := notify.NewMailServer(v, "", "ledger@example.org", nil)
	return err
}

func isEventStoreURL(v string) error {
	return hasScheme(v, "an EventStoreDB connection string, such as esdb://admin:PASSWORD@HOST:2113?tls=true", "esdb", "esdb+discover")
}

func isDatabaseURL(v string) error {
	return hasScheme(v, "a Postgres connection string, such as postgres://USER:PASSWORD@HOST:5432/DATABASE", "postgres", "postgresql")
}

func hasScheme(v, what string, schemes ...string) error {
	scheme, rest, found := strings.Cut(v, "://")
	if !found || rest == "" || !slices.Contains(schemes, scheme) {
		return errors.New("must be " + what)
	}
	return nil
}

func isAddress(v string) error {
	_, port, err := net.SplitHostPort(v)
	if n, portErr := strconv.Atoi(port); err != nil || portErr != nil || n < 0 || n > 65535 {
		return errors.New("must be an address with a port, such as 127.0.0.1:8080")
	}
	return nil
}

func isHost(v string) error {
	if strings.ContainsAny(v, " /:@") && net.ParseIP(v) == nil {
		return errors.New("must be a name or an address without a port, such as files.example.com")
	}
	return nil
}

func isPortRange(v string) error {
	_, err := portRange(v)
	return err
}

// portRange reads FIRST-LAST.
func portRange(v string) (ftps.PortRange, error) {
	first, last, _ := strings.Cut(v, "-")
	a, errA := strconv.Atoi(first)
	b, errB := strconv.Atoi(last)
	if errA != nil || errB != nil || a < 1 || b < a || b > 65535 {
		return ftps.PortRange{}, errors.New("must be a range of ports, such as 30000-30099")
	}
	return ftps.PortRange{First: a, Last: b}, nil
}

func isSecretKey(v string) error {
	if _, err := decodeSecretKey("it", v); err != nil {
		return fmt.Errorf("must be %d bytes in base64, as `openssl rand -base64 %d` prints", secretKeyBytes, secretKeyBytes)
	}
	return nil
}

func isCount(v string) error {
	if n, err := strconv.ParseInt(v, 10, 64); err != nil || n < 1 {
		return errors.New("must be a whole number of at least 1, without separators")
	}
	return nil
}

// isRecordLimit is a count that one row at a time can be kept in memory of.
func isRecordLimit(v string) error {
	if n, err := strconv.ParseInt(v, 10, 64); err != nil || n < 1 || n > 64<<20 {
		return errors.New("must be a whole number of bytes from 1 to 67108864, without separators")
	}
	return nil
}

func isProxies(v string) error {
	if _, err := auth.ParseProxies(v); err != nil {
		return errors.New("must be addresses and networks, such as 10.0.0.0/8,192.0.2.7")
	}
	return nil
}

func isRetention(v string) error {
	if n, err := strconv.Atoi(v); err != nil || n < 31 {
		return errors.New("must be a whole number of days, at least 31")
	}
	return nil
}

func isLogLevel(v string) error {
	var level slog.Level
	if err := level.UnmarshalText([]byte(v)); err != nil {
		return errors.New("must be debug, info, warn or error")
	}
	return nil
}

func oneOf(values ...string) func(string) error {
	return func(v string) error {
		if !slices.Contains(values, v) {
			return fmt.Errorf("must be one of %s", strings.Join(values, ", "))
		}
		return nil
	}
}
