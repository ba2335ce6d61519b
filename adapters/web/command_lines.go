package web

import (
	"net"
	"net/url"
	"strconv"
	"strings"
)

// commandLine is how a client that many people have is started for a connector.
type commandLine struct {
	ID     string // of its place on the page
	Client string
	Text   string
}

// certificateFile is what a certificate that nobody vouches for is called where it is
// downloaded, and in the commands that trust it.
const certificateFile = "importledger-ftps.pem"

// commandLines are those of a connector whose door is open here. Usernames and ports
// need no quoting; the host is the setting's.
func commandLines(c Connector) []commandLine {
	if !c.Door.Open() {
		return nil
	}
	at := url.URL{Scheme: "ftp", User: url.User(c.Username), Host: net.JoinHostPort(c.Door.Host, strconv.Itoa(c.Door.Port))}
	if c.Protocol == protocolSFTP {
		host := c.Door.Host
		if strings.Contains(host, ":") {
			host = "[" + host + "]"
		}
		at.Scheme = "sftp"
		return []commandLine{
			{"command-sftp", "sftp (OpenSSH)", "sftp -P " + strconv.Itoa(c.Door.Port) + " " + c.Username + "@" + host},
			{"command-lftp", "lftp", "lftp " + at.String()},
		}
	}
	trustCurl, trustLFTP := "", ""
	if c.Door.SelfSigned {
		trustCurl, trustLFTP = "--cacert "+certificateFile+" ", "; set ssl:ca-file "+certificateFile
	}
	plain := url.URL{Scheme: "ftp", Host: at.Host, Path: "/"}
	return []commandLine{
		{"command-curl", "curl", "curl --ssl-reqd " + trustCurl + "--user " + c.Username + " --upload-file contacts.csv " + plain.String()},
		{"command-lftp", "lftp", "lftp -e 'set ftp:ssl-force true; set ftp:ssl-protect-data true" + trustLFTP + "' " + at.String()},
	}
}
