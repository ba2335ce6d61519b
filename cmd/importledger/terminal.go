package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"importledger/aggregate"
)

// terminal is where the program speaks: results on out, everything else on err.
type terminal struct {
	in       io.Reader
	out, err io.Writer
	outColor bool // out is a terminal that shows colours
	animated bool // err is a terminal that may be drawn on
	asks     bool // somebody is there to answer a question
}

func newTerminal(in io.Reader, out, err io.Writer, env environment) *terminal {
	plain := env.get("NO_COLOR") != "" || env.get("TERM") == "dumb"
	return &terminal{
		in: in, out: out, err: err,
		outColor: isTerminal(out) && !plain,
		animated: isTerminal(err) && !plain,
		asks:     isTerminal(in) && isTerminal(err),
	}
}

func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// say writes a line of progress or advice. Where nobody can be told any more
// there is nobody to tell that either.
func (t *terminal) say(format string, args ...any) {
	_, _ = fmt.Fprintf(t.err, format+"\n", args...)
}

// printJSON writes one line of JSON to standard output.
func (t *terminal) printJSON(v any) error {
	encoder := json.NewEncoder(t.out)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}

// complain says why a command did not do what was asked.
func (t *terminal) complain(cmd *cobra.Command, err error) {
	if s, ok := errors.AsType[*statusError](err); ok && s.err == nil {
		return
	}
	t.say("importledger: %s", sentence(err.Error()))
	if refused, ok := errors.AsType[*apiError](err); ok {
		for _, d := range refused.moreDetails() {
			t.say("  · %s", sentence(d))
		}
		if refused.Code == aggregate.ErrNotFound.Code {
			t.say("`importledger imports` lists those that there are.")
		}
	}
	if _, ok := errors.AsType[*usageError](err); ok {
		t.say("Run `%s --help` for how it is used.", cmd.CommandPath())
	}
}

// sentence ends what is said with a full stop, and keeps control characters that
// came from elsewhere away from the terminal.
func sentence(s string) string {
	s = strings.TrimSpace(printableLines(s))
	if s == "" || strings.ContainsAny(s[len(s)-1:], ".!?:`") {
		return s
	}
	return s + "."
}

// confirm asks a question until it is answered with yes or no; the end of input
// is a no.
func (t *terminal) confirm(ctx context.Context, question string) (bool, error) {
	type line struct {
		text string
		err  error
	}
	lines := make(chan line)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	// Reading a terminal cannot be interrupted: an unanswered read stays behind
	// until the process ends, which it is about to.
	go func() {
		scanner := bufio.NewScanner(t.in)
		for {
			more := scanner.Scan()
			err := scanner.Err()
			if !more && err == nil {
				err = io.EOF
			}
			select {
			case lines <- line{scanner.Text(), err}:
			case <-ctx.Done():
				return
			}
			if !more {
				return
			}
		}
	}()
	for {
		_, _ = fmt.Fprintf(t.err, "%s [y/n] ", question)
		select {
		case <-ctx.Done():
			t.say("")
			return false, ctx.Err()
		case answer := <-lines:
			switch {
			case errors.Is(answer.err, io.EOF):
				t.say("")
				return false, nil
			case answer.err != nil:
				return false, fmt.Errorf("the answer cannot be read: %w", answer.err)
			}
			switch strings.ToLower(strings.TrimSpace(answer.text)) {
			case "y", "yes":
				return true, nil
			case "n", "no":
				return false, nil
			}
		}
	}
}
