package web

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"
)

func TestCommandsAreFilledInForEveryDoor(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]Connector{
		"sftp -P 2022 shop-1@files.example.org":                                                                                    {Protocol: protocolSFTP, Door: Door{Host: "files.example.org", Port: 2022}},
		"sftp -P 22 shop-1@[2001:db8::1]":                                                                                          {Protocol: protocolSFTP, Door: Door{Host: "2001:db8::1", Port: 22}},
		"lftp sftp://shop-1@[2001:db8::1]:22":                                                                                      {Protocol: protocolSFTP, Door: Door{Host: "2001:db8::1", Port: 22}},
		"curl --ssl-reqd --user shop-1 --upload-file contacts.csv ftp://files.example.org:2121/":                                   {Protocol: protocolFTPS, Door: Door{Host: "files.example.org", Port: 2121}},
		"curl --ssl-reqd --cacert importledger-ftps.pem --user shop-1 --upload-file contacts.csv ftp://[::1]:2121/":                {Protocol: protocolFTPS, Door: Door{Host: "::1", Port: 2121, SelfSigned: true}},
		"lftp -e 'set ftp:ssl-force true; set ftp:ssl-protect-data true; set ssl:ca-file importledger-ftps.pem' ftp://shop-1@a:21": {Protocol: protocolFTPS, Door: Door{Host: "a", Port: 21, SelfSigned: true}},
	} {
		c.Username = "shop-1"
		var all []string
		for _, line := range commandLines(c) {
			all = append(all, line.Text)
		}
		if !strings.Contains("\n"+strings.Join(all, "\n")+"\n", "\n"+want+"\n") {
			t.Errorf("want %s, have\n%s", want, strings.Join(all, "\n"))
		}
	}
	if lines := commandLines(Connector{Protocol: protocolSFTP, Username: "shop-1"}); lines != nil {
		t.Errorf("for a door that is not open: %v", lines)
	}
}

func TestAConnectorThatNobodyCouldSignInToIsRefused(t *testing.T) {
	t.Parallel()
	for field, a := range map[string]access{
		"name":     {Protocol: protocolSFTP, Password: true},
		"password": {Name: "Shop", Protocol: protocolSFTP, Keys: "# a comment\n\n"},
	} {
		if wrong := wrongFields(a.check()); wrong[field] == "" || len(wrong) != 1 {
			t.Errorf("%s: %v", field, wrong)
		}
	}
	byKey := access{Name: "Shop", Protocol: protocolSFTP, Keys: "ssh-ed25519 AAAA ann\r\n\n ssh-rsa BBBB\n"}
	if wrong := byKey.check(); wrong != nil || !reflect.DeepEqual(byKey.publicKeys(), []string{"ssh-ed25519 AAAA ann", "ssh-rsa BBBB"}) {
		t.Errorf("%v, %q", wrong, byKey.publicKeys())
	}
	byKey.Protocol = protocolFTPS
	if wrong := wrongFields(byKey.check()); wrong["password"] == "" || len(byKey.publicKeys()) != 0 {
		t.Errorf("FTPS without a password: %v", wrong)
	}
}

func TestWhatIsWrongStandsBesideItsField(t *testing.T) {
	t.Parallel()
	beside := &fault{Details: []commands.Detail{{Field: "publicKeys[11]", Message: "This is no public key."}, {Field: "publicKeys[12]", Message: "Nor this."}}}
	if got := wrongFields(beside); got["publicKeys"] != "Key 12: This is no public key." || generalFault(beside) != nil {
		t.Errorf("%v", got)
	}
	general := &fault{Message: "The columns cannot be mapped.", Details: []commands.Detail{{Column: "E-mail", Message: "…"}, {Field: "elsewhere", Message: "…"}}}
	if generalFault(general) != general || generalFault(nil) != nil {
		t.Error("what stands beside no field is not said")
	}
}

// A template that is taken over for another file comes out as it went in.
func TestATemplateIsTakenOver(t *testing.T) {
	t.Parallel()
	file := events.File{Header: []string{"E-mail", "Points"}, Separator: ";"}
	for name, segment := range map[string]*events.Segment{"none": nil, "one that is there": {ID: "01JDF3ZKQ8X6M4N9T2V7W5Y1AC"}, "one that comes with the first file": {Name: "Daily"}} {
		before := aggregate.Template{Header: file.Header, Separator: ";", ImportMode: events.ContactsEvents, EventName: "visit", Encoding: "windows-1252", DefaultCountry: "BE", BlankCells: events.ClearBlank,
			Mapping: []commands.Column{{Header: "E-mail", Attribute: "email"}, {Header: "Points", Property: "Points"}}, Segment: segment}
		var d draft
		kept := before
		if segment != nil && segment.Name != "" {
			kept.Segment = &events.Segment{ID: "01JDF3ZKQ8X6M4N9T2V7W5Y1AD", Name: segment.Name, Create: true}
		}
		d.adopt(kept)
		if got := d.template(events.ImportStarted{ImportMode: events.ContactsEvents}, file); !reflect.DeepEqual(got, before) {
			t.Errorf("%s:\n%+v\n%+v", name, got, before)
		}
	}
}

func TestASampleIsOnItsWay(t *testing.T) {
	t.Parallel()
	choices, err := json.Marshal(draft{Step: 2, Access: access{Name: "Shop", Chosen: true}})
	if err != nil {
		t.Fatal(err)
	}
	s := Sample{ID: "01JDF3ZKQ8X6M4N9T2V7W5Y1AC", Choices: choices, Started: events.ImportStarted{Name: "daily.csv", Type: events.Manual, ImportMode: events.Contacts, KeyIdentifier: events.Email,
		File: events.File{Name: "daily.csv", Header: []string{"E-mail"}, Separator: ",", Encoding: "utf-8", Rows: 1, Size: 10, SHA256: strings.Repeat("a", 64)}}}
	p, err := preparingOf(s)
	if err != nil || p.way != connectorWay || p.State != events.Preparing || p.draft.Step != 2 || p.draft.Access.Name != "Shop" {
		t.Errorf("%+v, %v", p, err)
	}
	s.ConnectorID = "01JDF3ZKQ8X6M4N9T2V7W5Y1AD"
	if p, err = preparingOf(s); err != nil || p.way != templateWay || p.draft.connector != s.ConnectorID || p.way.number("access") != 0 {
		t.Errorf("%+v, %v", p, err)
	}
	for number, want := range map[int]bool{-1: false, 0: false, 1: true, 3: true, 4: false} {
		if connectorWay.reaches(number) != want {
			t.Errorf("step %d is reached: %v", number, !want)
		}
	}
	if importWay.reaches(stepUpload) {
		t.Error("one comes back to an upload")
	}
}

func TestEveryActivityHasWords(t *testing.T) {
	t.Parallel()
	for action := range activityWords {
		line := activityLines([]ConnectorActivity{{Action: action, Detail: "another-code"}})[0]
		if line.Words == action || line.Why != "another-code" {
			t.Errorf("%+v", line)
		}
		if _, err := icon(line.Icon); err != nil {
			t.Error(err)
		}
	}
	if line := activityLines([]ConnectorActivity{{Action: "of-tomorrow"}})[0]; line.Words != "of-tomorrow" || line.Icon == "" {
		t.Errorf("%+v", line)
	}
}
