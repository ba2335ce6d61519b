//go:build race

package eventstore

func init() { underRace = true }
