package events

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
)

// kind is an event's entry in the registry: the name and version it is stored
// under, for ever, and how its data is read and written.
type kind struct {
	name    string
	version int // what is written today
	goType  reflect.Type
	decode  func(data []byte) (Event, error)
	encode  func(e Event) ([]byte, error)
	// upcast[n] turns data of version n into data of version n+1.
	upcast map[int]func(data []byte) ([]byte, error)
}

// registry lists every event that was ever written. A name is never reused and
// never renamed; a change of shape is a new version with an upcaster.
var registry = index(
	kindOf[ImportStarted]("ImportStarted", 1),
	kindOf[ColumnsMapped]("ColumnsMapped", 1),
	kind{name: "RowAccepted", version: 1, goType: reflect.TypeFor[RowAccepted](), decode: decodeRowAccepted, encode: encodeRowAccepted},
	kindOf[RowRejected]("RowRejected", 1),
	kindOf[ImportCanceled]("ImportCanceled", 1),
	kindOf[ImportCompleted]("ImportCompleted", 1),
	kindOf[ImportFailed]("ImportFailed", 1),
	kindOf[SegmentCreated]("SegmentCreated", 1),
	kindOf[SegmentRenamed]("SegmentRenamed", 1),
	kindOf[SegmentRemoved]("SegmentRemoved", 1),
	kindOf[SegmentContactsAdded]("SegmentContactsAdded", 1),
	kindOf[SegmentContactsRemoved]("SegmentContactsRemoved", 1),
	kindOf[SegmentNameClaimed]("SegmentNameClaimed", 1),
	kindOf[AttributeCreated]("AttributeCreated", 1),
	kindOf[KeyIdentifierSet]("KeyIdentifierSet", 1),
	kindOf[KeyIdentifierUsed]("KeyIdentifierUsed", 1),
)

// What Decode reports for an event that this build cannot read.
var (
	ErrUnknownEvent   = errors.New("event name is not in the registry")
	ErrUnknownVersion = errors.New("event version is newer than this program, or has no upcaster")
)

func kindOf[E Event](name string, version int) kind {
	return kind{
		name: name, version: version, goType: reflect.TypeFor[E](),
		decode: func(data []byte) (Event, error) {
			var e E
			err := json.Unmarshal(data, &e)
			return e, err
		},
		encode: func(e Event) ([]byte, error) { return json.Marshal(e) },
	}
}

type kinds struct {
	byName map[string]*kind
	byType map[reflect.Type]*kind
	names  []string // in order of declaration
}

func index(all ...kind) kinds {
	ks := kinds{byName: map[string]*kind{}, byType: map[reflect.Type]*kind{}}
	for i := range all {
		k := &all[i]
		if ks.byName[k.name] != nil || ks.byType[k.goType] != nil {
			panic("events: " + k.name + " is registered twice")
		}
		ks.byName[k.name], ks.byType[k.goType] = k, k
		ks.names = append(ks.names, k.name)
	}
	return ks
}

func (ks kinds) read(name string, version int, data []byte) (Event, error) {
	k := ks.byName[name]
	if k == nil {
		return nil, fmt.Errorf("%q: %w", name, ErrUnknownEvent)
	}
	for v := max(version, 1); v != k.version; v++ {
		up := k.upcast[v]
		if up == nil {
			return nil, fmt.Errorf("%s version %d, want %d: %w", name, v, k.version, ErrUnknownVersion)
		}
		var err error
		if data, err = up(data); err != nil {
			return nil, fmt.Errorf("%s from version %d: %w", name, v, err)
		}
	}
	e, err := k.decode(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return e, nil
}

// Names lists the event names in the registry.
func Names() []string { return append([]string(nil), registry.names...) }

// Name gives the stored name of an event.
func Name(e Event) string {
	if k := registry.byType[reflect.TypeOf(e)]; k != nil {
		return k.name
	}
	return fmt.Sprintf("unregistered(%T)", e)
}
