package eventstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"importledger/aggregate"
)

// What the log reports beyond aggregate's errors.
var (
	// ErrStreamDeleted: the stream was deleted for good (tombstoned), and can be
	// neither read nor written any more. A stream that was deleted softly is like
	// one that never existed (aggregate.ErrStreamNotFound).
	ErrStreamDeleted = errors.New("the stream has been deleted for good")
	// ErrDenied: the log knows us not, or does not let us do this.
	ErrDenied = errors.New("the event log refuses our user name and password, or the right to do this")
	// ErrTooLarge: the batch is over the log's limit for one append.
	ErrTooLarge = errors.New("the batch is larger than the event log takes in one append")
)

// translate puts an error of the client into our words. ctx is the caller's.
func translate(ctx context.Context, doing string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(ctx.Err(), context.Canceled):
		return fmt.Errorf("%s: %w", doing, ctx.Err())
	case errors.Is(err, errClosed), errors.Is(err, aggregate.ErrLogUnavailable):
		return fmt.Errorf("%s: %w", doing, err)
	}
	if kind := kindOf(err); kind != nil {
		return fmt.Errorf("%s: %w: %w", doing, kind, err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// kindOf gives the sentinel that an error of the client belongs to; nil for a
// request that the server will never take. Whatever is not known to be final
// counts as unavailable: it may have been the connection, and trying again is
// harmless.
func kindOf(err error) error {
	if e, ok := errors.AsType[*esdb.Error](err); ok {
		switch e.Code() {
		case esdb.ErrorCodeWrongExpectedVersion:
			return aggregate.ErrOvertaken
		case esdb.ErrorCodeStreamDeleted:
			return ErrStreamDeleted
		case esdb.ErrorCodeResourceNotFound:
			return aggregate.ErrStreamNotFound
		case esdb.ErrorCodeUnauthenticated, esdb.ErrorCodeAccessDenied:
			return ErrDenied
		case esdb.ErrorCodeUnsupportedFeature, esdb.ErrorCodeParsing:
			return nil
		default: // its cause says more
		}
	}
	switch status.Code(err) {
	case codes.Unauthenticated, codes.PermissionDenied:
		return ErrDenied
	case codes.InvalidArgument, codes.OutOfRange, codes.FailedPrecondition, codes.Unimplemented:
		return nil
	default:
		return aggregate.ErrLogUnavailable
	}
}

// connectionInDoubt tells whether a client should not be used again after err.
// A call that its caller canceled says nothing about the connection.
func connectionInDoubt(err error) bool {
	return errors.Is(kindOf(err), aggregate.ErrLogUnavailable) && status.Code(err) != codes.Canceled
}

func isUnavailable(err error) bool { return errors.Is(err, aggregate.ErrLogUnavailable) }
