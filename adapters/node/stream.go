package node

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
)

const (
	// deletedRevision is the revision of a tombstone, and as $tb the mark of a soft-deleted stream.
	deletedRevision = math.MaxInt64

	noRevision = -1

	metadataPrefix    = "$$"
	metadataType      = "$metadata"
	streamDeletedType = "$streamDeleted"
	fieldTruncate     = "$tb"
	softDeletedMeta   = `{"$tb":9223372036854775807}`
)

func isMetastream(name string) bool         { return strings.HasPrefix(name, metadataPrefix) }
func metastreamOf(name string) string       { return metadataPrefix + name }
func originalOf(metastream string) string   { return strings.TrimPrefix(metastream, metadataPrefix) }
func softDeletes(truncateBefore int64) bool { return truncateBefore == deletedRevision }

// limits say which of a stream's events its readers still see. $all shows them all.
type limits struct {
	truncateBefore int64 // 0: all
	maxCount       int64 // 0: any number
	maxAge         int64 // seconds; 0: any age
}

// parseLimits reads a $metadata event. Like a real server it takes metadata that it cannot read as none.
func parseLimits(metadata []byte) limits {
	var m struct {
		TruncateBefore int64 `json:"$tb"`
		MaxCount       int64 `json:"$maxCount"`
		MaxAge         int64 `json:"$maxAge"`
	}
	if err := json.Unmarshal(metadata, &m); err != nil {
		return limits{}
	}
	return limits{
		truncateBefore: max(0, m.TruncateBefore),
		maxCount:       max(0, m.MaxCount),
		maxAge:         max(0, m.MaxAge),
	}
}

// withTruncateBefore returns stream metadata with its $tb replaced and everything else kept.
func withTruncateBefore(metadata []byte, revision int64) ([]byte, error) {
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(metadata, &fields); err != nil {
		fields = map[string]json.RawMessage{}
	}
	fields[fieldTruncate] = fmt.Appendf(nil, "%d", revision)
	out, err := json.Marshal(fields)
	if err != nil {
		return nil, fmt.Errorf("node: rewrite stream metadata: %w", err)
	}
	return out, nil
}

// head is what the log knows of a stream as a whole.
type head struct {
	id         uint64 // position of the stream's first event; 0 as long as it has none
	last       int64  // revision of its last event, or noRevision
	tombstoned bool
	limits     limits
}

func (h *head) softDeleted() bool { return softDeletes(h.limits.truncateBefore) }

// first returns the lowest revision that readers still see.
func (h *head) first() int64 {
	first := h.limits.truncateBefore
	if h.limits.maxCount > 0 {
		first = max(first, h.last-h.limits.maxCount+1)
	}
	return first
}

// oldest returns the moment, in 100 ns since 1970, before which events are too old to be seen.
func (h *head) oldest(now time.Time) int64 {
	if h.limits.maxAge == 0 {
		return math.MinInt64
	}
	return ticks(now) - h.limits.maxAge*int64(time.Second/tick)
}

// tick is the protocol's unit of time.
const tick = 100 * time.Nanosecond

func ticks(t time.Time) int64 { return t.UnixNano() / int64(tick) }

const (
	headVersion     = 1
	flagTombstoned  = 1
	varintsInAHead  = 5
	headPrefixBytes = 2
)

func (h *head) encode() []byte {
	b := []byte{headVersion, 0}
	if h.tombstoned {
		b[1] |= flagTombstoned
	}
	b = binary.AppendUvarint(b, h.id)
	for _, v := range [varintsInAHead - 1]int64{h.last, h.limits.truncateBefore, h.limits.maxCount, h.limits.maxAge} {
		b = binary.AppendVarint(b, v)
	}
	return b
}

var errCorruptHead = errors.New("node: the log's entry of a stream cannot be read")

func decodeHead(b []byte) (*head, error) {
	if len(b) < headPrefixBytes || b[0] != headVersion {
		return nil, errCorruptHead
	}
	h := &head{tombstoned: b[1]&flagTombstoned != 0}
	b = b[headPrefixBytes:]
	id, n := binary.Uvarint(b)
	if n <= 0 {
		return nil, errCorruptHead
	}
	h.id, b = id, b[n:]
	for _, field := range []*int64{&h.last, &h.limits.truncateBefore, &h.limits.maxCount, &h.limits.maxAge} {
		v, n := binary.Varint(b)
		if n <= 0 {
			return nil, errCorruptHead
		}
		*field, b = v, b[n:]
	}
	return h, nil
}
