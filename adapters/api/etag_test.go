package api_test

import (
	"net/http"
	"testing"

	"importledger/commands"
)

func TestOneObjectHasATagThatChangesWithIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.upload(part{"file", "contacts.csv", threeRows}, part{name: "mapping", content: mapping}, part{name: "segment", content: `{"name":"VIPs"}`}).is(201)
	w.rows(accepted(1, "ann@x.org", `,"language":"fr"`))
	tags := map[string]string{}
	for _, path := range []string{"/people/imports/" + importID, "/people/imports/" + importID + "/at/1", "/people/contacts/ann@x.org", "/people/attributes/email",
		"/people/segments/segment-1", "/people/contacts/keyIdentifier"} {
		tag := w.get(path).is(200).header.Get("ETag")
		if len(tag) < 3 || tag[0] != '"' || tags[path] != "" {
			t.Fatalf("%s: ETag %q", path, tag)
		}
		tags[path] = tag
		for list, status := range map[string]int{tag: 304, "W/" + tag: 304, `"other", ` + tag: 304, "*": 304, `"other"`: 200, "": 200} {
			r := w.request("GET", path, "")
			r.Header.Set("If-None-Match", list)
			got := w.send(r).is(status)
			if got.header.Get("ETag") != tag || (status == 304) != (len(got.body) == 0) {
				t.Errorf("%s with %q: %s %s", path, list, got.header, got.body)
			}
		}
		if head := w.do(http.MethodHead, path, "").is(200); head.header.Get("ETag") != tag {
			t.Errorf("HEAD %s: %s", path, head.header)
		}
	}
	w.rows(accepted(2, "ann@x.org", `,"language":"nl"`), rejected(3), commands.Complete{})
	for path, before := range tags {
		changes := path != "/people/imports/"+importID+"/at/1" && path != "/people/attributes/email" && path != "/people/contacts/keyIdentifier" && path != "/people/segments/segment-1"
		if now := w.get(path).header.Get("ETag"); (now != before) != changes {
			t.Errorf("%s: %s, then %s", path, before, now)
		}
	}
	if got := w.get("/people/imports/01ARZ3NDEKTSV4RRFFQ69G5FAV").is(404); got.header.Get("ETag") != "" {
		t.Error(got.header)
	}
}

func TestAMappingForAnotherStateIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	created := w.upload(part{"file", "contacts.csv", threeRows}).is(201)
	put := func(tag string) answer {
		r := w.request("PUT", "/people/imports/"+importID+"/mapping", `{"mapping":`+mapping+`}`)
		r.Header.Set("If-Match", tag)
		return w.send(r)
	}
	put(`"7-1"`).fails(412, "precondition-failed")
	got := put(created.header.Get("ETag")).is(200)
	if tag := got.header.Get("ETag"); tag == created.header.Get("ETag") || tag != w.get("/people/imports/"+importID).header.Get("ETag") {
		t.Error(tag)
	}
	put(created.header.Get("ETag")).fails(412, "precondition-failed")
}

func TestOptionsSaysWhatAnAddressTakes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.request(http.MethodOptions, "/people/imports", "")
	r.Header.Del("Authorization")
	r.Header.Set("Origin", "https://elsewhere.example")
	got := w.send(r).is(204)
	if got.header.Get("Allow") != "GET, HEAD, POST, OPTIONS" || got.header.Get("Access-Control-Allow-Origin") != "" {
		t.Error(got.header)
	}
	w.do(http.MethodOptions, "/nothing", "").fails(404, "route-not-found")
}

func TestHeadOfAStreamEndsAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.upload(part{"file", "contacts.csv", threeRows}).is(201)
	if got := w.do(http.MethodHead, "/people/imports/"+importID+"/progress", "").is(200); got.header.Get("Content-Type") != "text/event-stream" {
		t.Error(got.header)
	}
	r := w.request(http.MethodHead, "/people/imports/"+importID+"/history", "")
	r.Header.Set("Accept", "application/x-ndjson")
	if got := w.send(r).is(200); got.header.Get("Content-Type") != "application/x-ndjson" {
		t.Error(got.header)
	}
}

func TestASegmentIsChangedAsItWasSeen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	made := w.do("POST", "/people/segments", `{"name":"VIPs"}`).is(201).json()
	path := "/people/segments/" + made["id"].(string)
	put := func(tag, name string) answer {
		r := w.request("PUT", path, `{"name":"`+name+`"}`)
		r.Header.Set("If-Match", tag)
		return w.send(r)
	}
	first := w.get(path).is(200).header.Get("ETag")
	put(first, "Regulars").is(200)
	if got := put(first, "Friends"); got.header.Get("ETag") != w.get(path).header.Get("ETag") {
		got.fails(412, "precondition-failed")
		t.Errorf("the tag now is %s", got.header.Get("ETag"))
	}
	put(first, "Friends").fails(412, "precondition-failed")
	put("*", "Friends").is(200)
	w.do("PUT", "/people/segments/01ARZ3NDEKTSV4RRFFQ69G5FAV", `{"name":"x"}`).fails(404, "segment-not-found")
}
