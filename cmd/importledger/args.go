package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/oklog/ulid/v2"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// wrongFlag says of a flag what is wrong with it.
func wrongFlag(err error) error {
	if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		switch flag := invalid.GetFlag(); flag.Value.Type() {
		case "int", "int64":
			return &usageError{fmt.Sprintf("--%s is a whole number, and %q is none", flag.Name, invalid.GetValue())}
		case "bool":
			return &usageError{fmt.Sprintf("--%s takes no value, and %q is one", flag.Name, invalid.GetValue())}
		}
	}
	return &usageError{err.Error()}
}

func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if cmd.HasSubCommands() {
		return &usageError{fmt.Sprintf("%s has no command %q", shortPath(cmd), args[0])}
	}
	return &usageError{fmt.Sprintf("%s takes no arguments, and %q is one", shortPath(cmd), args[0])}
}

// importID wants exactly the id of one import.
func importID(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return &usageError{fmt.Sprintf("%s takes the id of one import; `importledger imports` lists them", shortPath(cmd))}
	}
	if _, err := ulid.ParseStrict(args[0]); err != nil {
		return &usageError{fmt.Sprintf("%q is not the id of an import: those have 26 letters and digits, and `importledger imports` lists them", args[0])}
	}
	return nil
}

// shortPath is a command without the program before it.
func shortPath(cmd *cobra.Command) string {
	return strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()+" ")
}

func addJSONFlag(cmd *cobra.Command, to *bool, what string) {
	cmd.Flags().BoolVar(to, "json", false, "print JSON: "+what)
}
