package node

import (
	"bytes"
	"regexp"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
)

// filter says which events a reader of $all wants. It looks at the record's header only.
type filter func(record) bool

func everything(record) bool { return true }

func parseFilter(o *streams.ReadReq_Options_FilterOptions) (filter, error) {
	var expression *streams.ReadReq_Options_FilterOptions_Expression
	var subject func(record) []byte
	switch f := o.GetFilter().(type) {
	case *streams.ReadReq_Options_FilterOptions_StreamIdentifier:
		expression, subject = f.StreamIdentifier, record.stream
	case *streams.ReadReq_Options_FilterOptions_EventType:
		expression, subject = f.EventType, record.eventType
	default:
		return nil, invalid("the filter names neither streams nor event types")
	}
	if expression.GetRegex() != "" {
		pattern, err := regexp.Compile(expression.GetRegex())
		if err != nil {
			return nil, invalid("the filter's regular expression is not understood: %v", err)
		}
		return func(r record) bool { return pattern.Match(subject(r)) }, nil
	}
	prefixes := make([][]byte, len(expression.GetPrefix()))
	for i, prefix := range expression.GetPrefix() {
		prefixes[i] = []byte(prefix)
	}
	return func(r record) bool {
		for _, prefix := range prefixes {
			if bytes.HasPrefix(subject(r), prefix) {
				return true
			}
		}
		return false
	}, nil
}

const (
	// defaultWindow is a real server's page, and so the distance of checkpoints where a client names none.
	defaultWindow = 320
)

// checkpointInterval returns after how many events, wanted or not, a filtered subscription gets a checkpoint.
func checkpointInterval(o *streams.ReadReq_Options_FilterOptions) (uint64, error) {
	window := uint64(defaultWindow)
	if w, ok := o.GetWindow().(*streams.ReadReq_Options_FilterOptions_Max); ok {
		window = uint64(w.Max)
	}
	interval := window * uint64(o.GetCheckpointIntervalMultiplier())
	if interval == 0 {
		return 0, invalid("the filter's window and checkpoint interval must be at least 1")
	}
	return interval, nil
}
