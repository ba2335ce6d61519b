package auth

import (
	"strings"
	"unicode/utf8"

	"importledger/commands"
)

const (
	shortestPassword = 12
	longestPassword  = 200 // characters; more is no safer and costs time to hash
	fewestCharacters = 5   // different ones
)

// checkPassword holds a password that somebody chooses against the rules: length is
// what counts (NIST SP 800-63B), so nothing is asked about kinds of characters.
func checkPassword(password, userName string) error {
	bad := func(code, why string) error {
		return &commands.Refusal{Kind: commands.Unacceptable, Code: code, Message: why}
	}
	length := utf8.RuneCountInString(password)
	different := map[rune]bool{}
	for _, r := range password {
		different[r] = true
	}
	name := strings.ToLower(userName)
	switch {
	case !utf8.ValidString(password) || strings.ContainsRune(password, 0):
		return bad("password-unreadable", "The password is not text in UTF-8.")
	case length < shortestPassword:
		return bad("password-too-short", "A password has at least 12 characters. Several words in a row are easy to remember.")
	case length > longestPassword:
		return bad("password-too-long", "A password has at most 200 characters.")
	case len(different) < fewestCharacters:
		return bad("password-too-plain", "This password repeats the same few characters. Choose another.")
	case name != "" && strings.Contains(strings.ToLower(password), name) && length-utf8.RuneCountInString(name) < shortestPassword:
		return bad("password-has-name", "This password is mostly your name. Choose another.")
	}
	return nil
}
