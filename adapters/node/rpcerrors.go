package node

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// A real server names what went wrong in the call's trailers; clients look there first.
const (
	trailerException = "exception"
	trailerStream    = "stream-name"
	trailerExpected  = "expected-version"
	trailerActual    = "actual-version"
	trailerMaxAppend = "maximum-append-size"
	trailerRequired  = "required-metadata-properties"

	exceptionStreamDeleted   = "stream-deleted"
	exceptionWrongVersion    = "wrong-expected-version"
	exceptionAppendTooLarge  = "maximum-append-size-exceeded"
	exceptionMissingMetadata = "missing-required-metadata-property"
)

var (
	errUnauthenticated = status.Error(codes.Unauthenticated, "the user name or the password is missing or wrong")
	errShuttingDown    = status.Error(codes.Unavailable, "the server is shutting down")
)

// exception is an error together with its trailers.
type exception struct {
	error
	trailers metadata.MD
}

func (e *exception) Unwrap() error { return e.error }

func (e *exception) GRPCStatus() *status.Status { return status.Convert(e.error) }

func streamDeleted(stream string) error {
	return &exception{
		status.Errorf(codes.FailedPrecondition, "Event stream '%s' is deleted.", stream),
		metadata.Pairs(trailerException, exceptionStreamDeleted, trailerStream, inTrailer(stream)),
	}
}

// inTrailer leaves out what must not stand in a header; a name that holds such characters ended the connection.
func inTrailer(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return '?'
		}
		return r
	}, name)
}

func wrongExpectedVersion(operation, stream string, expected expectation, current int64) error {
	return &exception{
		status.Errorf(codes.FailedPrecondition,
			"%s failed due to WrongExpectedVersion. Stream: %s, Expected version: %d, Actual version: %d",
			operation, stream, expected, current),
		metadata.Pairs(trailerException, exceptionWrongVersion, trailerStream, inTrailer(stream),
			trailerExpected, strconv.FormatInt(int64(expected), 10), trailerActual, strconv.FormatInt(current, 10)),
	}
}

func appendTooLarge() error {
	return &exception{
		status.Errorf(codes.InvalidArgument, "Maximum Append Size of %d Exceeded.", maxAppendBytes),
		metadata.Pairs(trailerException, exceptionAppendTooLarge, trailerMaxAppend, strconv.Itoa(maxAppendBytes)),
	}
}

func metadataMissing(property string) error {
	return &exception{
		status.Errorf(codes.InvalidArgument, "Required Metadata Property '%s' is missing", property),
		metadata.Pairs(trailerException, exceptionMissingMetadata, trailerRequired, systemType+","+systemContentType),
	}
}

func invalid(format string, args ...any) error {
	return status.Error(codes.InvalidArgument, fmt.Sprintf(format, args...))
}

// statusOf turns what the log says into what the protocol says.
func statusOf(err error, stream string) error {
	switch {
	case errors.Is(err, errStreamDeleted):
		return streamDeleted(stream)
	case errors.Is(err, errClosed):
		return errShuttingDown
	case errors.Is(err, errBroken):
		return status.Error(codes.Unavailable, err.Error())
	case errors.Is(err, errCorruptRecord), errors.Is(err, errCorruptHead):
		return status.Error(codes.DataLoss, err.Error())
	}
	if _, isStatus := status.FromError(err); isStatus {
		return err
	}
	return status.FromContextError(err).Err()
}
