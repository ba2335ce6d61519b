package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// payload is the body of a webhook: https://www.standardwebhooks.com says of it type,
// timestamp and data, and of the headers how it is signed.
type payload struct {
	Type      string      `json:"type"`
	Timestamp time.Time   `json:"timestamp"` // of the event, the same in every attempt
	Data      payloadData `json:"data"`
}

type payloadData struct {
	Ending
	Links links `json:"links"`
}

// links are addresses, or paths of the server where its address is not known.
type links struct {
	API string `json:"api"`
	Web string `json:"web"`
}

// ImportEnded is the type of a webhook that tells that an import has ended.
const ImportEnded = "import.ended"

// messageID is the same for every receiver and in every attempt, so that whoever gets a
// message twice can tell.
func messageID(importID string) string { return "msg_" + importID }

func (n *Notifier) payload(e Ending) ([]byte, error) {
	return json.Marshal(payload{Type: ImportEnded, Timestamp: time.UnixMilli(e.EndedAt).UTC(), Data: payloadData{Ending: e,
		Links: links{API: n.PublicURL + "/people/imports/" + e.ID, Web: n.PublicURL + "/imports/" + e.ID}}})
}

// receivingHook is a webhook that is to be called.
type receivingHook struct {
	id            string
	url           string
	generation    int
	previousUntil *time.Time
}

// mostAnswer is how much of a receiver's answer is read, so that its connection can be
// used again. Nothing of it is kept.
const mostAnswer = 64 << 10

// call calls a webhook once.
func (n *Notifier) call(ctx context.Context, m message) outcome {
	if problem := n.checkURL(m.webhook.url); problem != "" {
		return outcome{problem: problem, final: true} // allowed when it was made, and not any more
	}
	request, err := n.request(ctx, m)
	if err != nil {
		return outcome{problem: "the request could not be made", final: true}
	}
	response, err := n.client.Do(request)
	if err != nil {
		return outcome{problem: whyNoAnswer(err)}
	}
	defer response.Body.Close()
	// What it says is of no interest, nor is how it ends.
	_, _ = io.CopyN(io.Discard, response.Body, mostAnswer)
	o := outcome{status: response.StatusCode}
	switch {
	case o.status >= 200 && o.status < 300:
	case o.status >= 300 && o.status < 400:
		o.problem = "it answered with a redirect, which is not followed"
	case o.status == http.StatusGone:
		o.problem, o.final, o.gone = "it answered that it is gone, and is not called any more", true, true
	default:
		o.problem = fmt.Sprintf("it answered %d", o.status)
	}
	return o
}

// request makes the signed request.
func (n *Notifier) request(ctx context.Context, m message) (*http.Request, error) {
	body, err := n.payload(m.ending)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, m.webhook.url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	id, now := messageID(m.ending.ID), n.Now()
	signatures, err := n.sign(m.webhook, id, now, body)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "importledger")
	request.Header.Set(standardwebhooks.HeaderWebhookID, id)
	request.Header.Set(standardwebhooks.HeaderWebhookTimestamp, fmt.Sprint(now.Unix()))
	request.Header.Set(standardwebhooks.HeaderWebhookSignature, signatures)
	return request, nil
}

// sign signs with the secret and, for a while after it was replaced, with the one
// before it too.
func (n *Notifier) sign(h *receivingHook, id string, now time.Time, body []byte) (string, error) {
	generations := []int{h.generation}
	if h.previousUntil != nil && now.Before(*h.previousUntil) {
		generations = append(generations, h.generation-1)
	}
	var signatures []string
	for _, g := range generations {
		signer, err := standardwebhooks.NewWebhook(n.webhookSecret(h.id, g))
		if err != nil {
			return "", err
		}
		signature, err := signer.Sign(id, now, body)
		if err != nil {
			return "", err
		}
		signatures = append(signatures, signature)
	}
	return strings.Join(signatures, " "), nil
}

func whyNoAnswer(err error) string {
	var dns *net.DNSError
	var timeout net.Error
	switch {
	case errors.Is(err, errPrivateAddress):
		return "its host has an address that is no public one, which is not allowed"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "it did not answer in time"
	case errors.As(err, &dns):
		return "its host is not known"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing listens there"
	case strings.Contains(err.Error(), "tls:") || strings.Contains(err.Error(), "x509:"):
		return "its certificate or TLS is not good"
	}
	return "the connection failed"
}

// newWebhookClient makes a client that follows no redirect, uses no proxy (which would
// look names up itself) and connects to no address that is not public, unless that is
// allowed. Addresses are looked at when they are dialled: a name that has changed its
// address since it was checked gains nothing.
func newWebhookClient(allowPrivate bool) *http.Client {
	dialer := &net.Dialer{Timeout: 10 * time.Second}
	if !allowPrivate {
		dialer.Control = func(_, address string, _ syscall.RawConn) error { return mustBePublic(address) }
	}
	return &http.Client{
		Timeout:       sendWithin,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: sendWithin,
			MaxResponseHeaderBytes: mostAnswer, DisableKeepAlives: true, ForceAttemptHTTP2: true,
		},
	}
}
