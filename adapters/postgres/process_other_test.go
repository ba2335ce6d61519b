//go:build !linux

package postgres_test

// endsWithParent says whether a server ends when its owner is killed.
const endsWithParent = false
