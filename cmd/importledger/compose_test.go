package main

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

// composed reads docker-compose.yml as docker compose does: it checks the form, fills
// in variables and finds what depends on what.
func composed(t *testing.T, profiles ...string) *types.Project {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{"../../docker-compose.yml"}, cli.WithProfiles(profiles),
		cli.WithEnv([]string{"IMPORTLEDGER_CLIENT_ID=me", "IMPORTLEDGER_CLIENT_SECRET=secret",
			"IMPORTLEDGER_SECRET_KEY=MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="}))
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return project
}

func TestComposeStartsWhatItSays(t *testing.T) {
	t.Parallel()
	if got, want := slices.Sorted(maps.Keys(composed(t).Services)), []string{"app", "eventstore", "postgres"}; !slices.Equal(got, want) {
		t.Errorf("without a profile: %v, want %v", got, want)
	}
	whole := composed(t, "scale")
	apps := 0
	taken := map[string]string{}
	for name, s := range whole.Services {
		scaled := strings.HasPrefix(name, "scale")
		if scaled != slices.Contains(s.Profiles, "scale") {
			t.Errorf("%s: profiles %v", name, s.Profiles)
		}
		if scaled && s.Build != nil {
			apps++
		}
		for other := range s.DependsOn {
			if strings.HasPrefix(other, "scale") != scaled {
				t.Errorf("%s depends on %s of the other shape", name, other)
			}
		}
		for _, p := range s.Ports {
			if p.HostIP != "127.0.0.1" || taken[p.Published] != "" {
				t.Errorf("%s publishes %s:%s, which %q has", name, p.HostIP, p.Published, taken[p.Published])
			}
			taken[p.Published] = name
		}
	}
	if apps != 3 {
		t.Errorf("%d processes behind the port, want 3", apps)
	}
	// Each process keeps to itself what is its own.
	var data []string
	for n := range 3 {
		data = append(data, whole.Services["scale-app-"+string(rune('1'+n))].Volumes[0].Source)
	}
	if slices.Sort(data); len(slices.Compact(data)) != 3 {
		t.Errorf("processes share a data directory: %v", data)
	}
}

// Every variable is a setting with a value that the program takes, and whatever runs
// beside others shares what it must.
func TestComposeSetsWhatExists(t *testing.T) {
	t.Parallel()
	project := composed(t, "scale")
	var together []string
	for name, s := range project.Services {
		if s.Build == nil {
			continue
		}
		for variable, value := range s.Environment {
			key, ours := strings.CutPrefix(variable, envPrefix)
			if !ours {
				continue
			}
			known, ok := settingOf(strings.ToLower(strings.ReplaceAll(key, "_", "-")))
			switch {
			case !ok:
				t.Errorf("%s: there is no setting %s", name, variable)
			case *value != "" && known.check != nil && known.check(*value) != nil:
				t.Errorf("%s: %s %v", name, variable, known.check(*value))
			}
		}
		if strings.HasPrefix(name, "scale") {
			together = append(together, *s.Environment["IMPORTLEDGER_SECRET_KEY"]+*s.Environment["IMPORTLEDGER_DATABASE_URL"]+
				*s.Environment["IMPORTLEDGER_EVENTSTORE_URL"]+*s.Environment["IMPORTLEDGER_BLOB_URL"])
		}
	}
	if len(together) != 3 || len(slices.Compact(together)) != 1 {
		t.Errorf("processes of one ledger differ in what they must share: %v", together)
	}
	app := project.Services["scale-app-1"]
	if key := *app.Environment["IMPORTLEDGER_SECRET_KEY"]; isSecretKey(key) != nil {
		t.Error("they share no secret key")
	}
	// The client would read the authority's certificate at once.
	log, err := esdb.ParseConnectionString(strings.ReplaceAll(*app.Environment["IMPORTLEDGER_EVENTSTORE_URL"], "&tlsCaFile=/ca/ca.crt", ""))
	if err != nil || log.DisableTLS || len(log.GossipSeeds) != 3 {
		t.Errorf("the cluster's connection string: %+v, %v", log, err)
	}
	for _, seed := range log.GossipSeeds {
		node, ok := project.Services[seed.Host]
		if !ok {
			t.Errorf("there is no node %s", seed.Host)
			continue
		}
		for _, advertised := range []string{"EVENTSTORE_NODE_HOST_ADVERTISE_AS", "EVENTSTORE_REPLICATION_HOST_ADVERTISE_AS"} {
			if got := *node.Environment[advertised]; got != seed.Host {
				t.Errorf("%s advertises itself as %s", seed.Host, got)
			}
		}
		for other := range strings.SplitSeq(*node.Environment["EVENTSTORE_GOSSIP_SEED"], ",") {
			if host, _, _ := strings.Cut(other, ":"); host == seed.Host || project.Services[host].Name == "" {
				t.Errorf("%s gossips with %s", seed.Host, other)
			}
		}
	}
}

// programs are those of an image that a health check may use, beside a shell:
// Debian's and Alpine's own, and what their makers document.
var programs = map[string][]string{
	"eventstore/eventstore": {"curl"},
	"postgres":              {"pg_isready"},
	"caddy":                 {"wget"}, // busybox
	"minio/minio":           {"mc"},
}

func TestComposeChecksHealthWithProgramsThatAreThere(t *testing.T) {
	t.Parallel()
	project := composed(t, "scale")
	for name, s := range project.Services {
		once := false
		for _, other := range project.Services {
			once = once || other.DependsOn[name].Condition == types.ServiceConditionCompletedSuccessfully
		}
		if once {
			continue // its end tells
		}
		if s.HealthCheck == nil || len(s.HealthCheck.Test) < 2 {
			t.Errorf("%s has no health check", name)
			continue
		}
		image, _, _ := strings.Cut(s.Image, ":")
		known := programs[image]
		if s.Build != nil {
			known = installed(s.Build.DockerfileInline)
		}
		if program := strings.Fields(s.HealthCheck.Test[1])[0]; !slices.Contains(known, program) {
			t.Errorf("%s: its health check needs %s, which %q has not", name, program, s.Image)
		}
		for other, needs := range s.DependsOn {
			if needs.Condition == types.ServiceConditionHealthy && project.Services[other].HealthCheck == nil {
				t.Errorf("%s waits for the health of %s, which has no check", name, other)
			}
		}
	}
}

// installed are the packages that a Dockerfile installs.
func installed(dockerfile string) []string {
	list := regexp.MustCompile(`apt-get install [^\\&]*`).FindString(dockerfile)
	return strings.Fields(list)
}

// What the image is built of is in the repository.
func TestComposeBuildsFromWhatIsThere(t *testing.T) {
	t.Parallel()
	for name, s := range composed(t, "scale").Services {
		if s.Build == nil {
			continue
		}
		if _, err := os.Stat(filepath.Join(s.Build.Context, "go.mod")); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		built := false
		for _, line := range regexp.MustCompile(`(?m)^(COPY|RUN CGO_ENABLED=0 go build) (.*)$`).FindAllStringSubmatch(s.Build.DockerfileInline, -1) {
			words := strings.Fields(line[2])
			switch {
			case strings.HasPrefix(line[1], "RUN"):
				built = true
				_, err := os.Stat(filepath.Join(s.Build.Context, words[len(words)-1]))
				if err != nil {
					t.Errorf("%s: %v", name, err)
				}
			case !strings.HasPrefix(words[0], "--from"):
				for _, from := range words[:len(words)-1] {
					if _, err := os.Stat(filepath.Join(s.Build.Context, from)); err != nil {
						t.Errorf("%s: %v", name, err)
					}
				}
			}
		}
		if !built || !slices.Contains(s.Command, "serve") {
			t.Errorf("%s builds or starts something else", name)
		}
	}
}

// The proxy knows the processes by their names.
func TestComposeProxiesToEachProcess(t *testing.T) {
	t.Parallel()
	project := composed(t, "scale")
	caddyfile := project.Configs["scale-caddyfile"].Content
	for name, s := range project.Services {
		if strings.HasPrefix(name, "scale-app") && !strings.Contains(caddyfile, " "+name+":8080") {
			t.Errorf("%s gets no requests", name)
		}
		if name == "scale" {
			if s.Configs[0].Source != "scale-caddyfile" || len(s.Ports) != 1 || s.Ports[0].Target != 8080 {
				t.Errorf("the proxy: %+v %+v", s.Configs, s.Ports)
			}
		}
	}
}
