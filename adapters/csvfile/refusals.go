package csvfile

import (
	"fmt"
	"strconv"
	"strings"

	"importledger/commands"
)

func refuse(code, format string, args ...any) *commands.Refusal {
	return &commands.Refusal{Kind: commands.Unacceptable, Code: code, Message: fmt.Sprintf(format, args...)}
}

func fileTooLarge(limit int64) error {
	r := refuse(commands.FileTooLarge, "The file is larger than %s bytes, the most that is accepted. Split it, or raise IMPORTLEDGER_MAX_BYTES.", grouped(limit))
	r.Kind = commands.TooLarge
	return r
}

func fileEmpty() error {
	return refuse(commands.FileEmpty, "The file is empty. It needs a header line and at least one row below it.")
}

func noRows() error {
	return refuse(commands.NoRows, "The file has a header but no rows. Add at least one row below the header.")
}

func tooManyRows(limit int) error {
	r := refuse(commands.TooManyRows, "The file has more than %s rows, the most that is accepted. Split it, or raise IMPORTLEDGER_MAX_ROWS.", grouped(int64(limit)))
	r.Details = []commands.Detail{{Row: limit + 1, Code: r.Code, Message: "This row is one too many."}}
	return r
}

func tooManyColumns(limit int) error {
	return refuse(commands.TooManyColumns, "The header has more than %d columns, the most that is accepted. Leave columns out, or raise IMPORTLEDGER_MAX_COLUMNS.", limit)
}

func separatorUnsupported(sep byte) error {
	return refuse(commands.SeparatorUnsupported, "The columns are separated by %s. Save the file with commas or semicolons between the columns.", separatorName(sep))
}

func separatorName(sep byte) string {
	switch sep {
	case '\t':
		return "tabs"
	case '|':
		return "vertical bars (|)"
	case ':':
		return "colons (:)"
	}
	return strconv.QuoteRune(rune(sep))
}

// checkHeader refuses headers in which a column cannot be told by its name.
func checkHeader(names []string) error {
	var empty, twice []commands.Detail
	first := make(map[string]int, len(names))
	for i, name := range names {
		column := i + 1
		if name == "" {
			empty = append(empty, commands.Detail{Column: strconv.Itoa(column), Code: commands.HeaderEmpty,
				Message: fmt.Sprintf("Column %d has no name.", column)})
			continue
		}
		if before, seen := first[name]; seen {
			twice = append(twice, commands.Detail{Column: name, Code: commands.HeaderDuplicate,
				Message: fmt.Sprintf("Columns %d and %d have the same name.", before, column)})
			continue
		}
		first[name] = column
	}
	if len(empty) > 0 {
		return headerRefusal(commands.HeaderEmpty, empty, "Give every column a name in the first line.")
	}
	if len(twice) > 0 {
		return headerRefusal(commands.HeaderDuplicate, twice, "Give every column a name of its own, or leave one of them out.")
	}
	return nil
}

func headerRefusal(code string, details []commands.Detail, advice string) error {
	said := details[0].Message
	if code == commands.HeaderDuplicate {
		said = strings.TrimSuffix(said, ".") + fmt.Sprintf(", %q.", shortened(details[0].Column))
	}
	if more := len(details) - 1; more > 0 {
		said += fmt.Sprintf(" (%d more like it.)", more)
	}
	r := refuse(code, "%s %s", said, advice)
	r.Details = details
	return r
}

// grouped writes a number as people read it: 20,000.
func grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// shortened cuts a value to what a message can show.
func shortened(s string) string {
	const most = 100
	seen := 0
	for i := range s {
		if seen == most {
			return s[:i] + "…"
		}
		seen++
	}
	return s
}
