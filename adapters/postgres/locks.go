package postgres

import (
	"crypto/sha256"
	"encoding/binary"
)

// lockID is the number of an advisory lock: the same in every process and
// version, for ever.
func lockID(namespace, key string) int64 {
	sum := sha256.Sum256([]byte("importledger/" + namespace + "\x00" + key))
	return int64(binary.BigEndian.Uint64(sum[:8]))
}
