package main

import (
	"context"
	"errors"
	"net/http"

	"importledger/commands"
)

// Exit statuses; scripts rely on them.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitRowsInError = 3 // the import ended, some rows were rejected
	exitFileRefused = 4 // by a file rule
	exitCanceled    = 5
)

// usageError is a command that was asked for in the wrong way.
type usageError struct{ message string }

func (e *usageError) Error() string { return e.message }

// statusError ends the program with a status of its own. Without an error there
// is nothing left to say: the result was printed.
type statusError struct {
	status int
	err    error
}

func (e *statusError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *statusError) Unwrap() error { return e.err }

// exitStatus is the one place where errors become exit statuses.
func exitStatus(err error) int {
	if err == nil {
		return exitDone
	}
	if e, ok := errors.AsType[*statusError](err); ok {
		return e.status
	}
	if _, ok := errors.AsType[*usageError](err); ok {
		return exitUsage
	}
	if e, ok := errors.AsType[*apiError](err); ok && (commands.IsFileRule(e.Code) || e.Status == http.StatusRequestEntityTooLarge) {
		return exitFileRefused
	}
	if errors.Is(err, context.Canceled) {
		return exitCanceled
	}
	return exitFailed
}
