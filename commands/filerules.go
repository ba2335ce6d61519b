package commands

// Codes of the file rules: a file that breaks one is refused as a whole.
const (
	FileTooLarge         = "file-too-large"
	FileEmpty            = "file-empty"
	NoRows               = "no-rows"
	TooManyRows          = "too-many-rows"
	TooManyColumns       = "too-many-columns"
	HeaderEmpty          = "header-empty"
	HeaderDuplicate      = "header-duplicate"
	SeparatorUnsupported = "separator-unsupported"
	EncodingInvalid      = "encoding-invalid"
	RowTooLong           = "row-too-long" // of a row: a row error; of the header: the file's
	RowMalformed         = "row-malformed"
	HeaderMismatch       = "header-mismatch"
)

// IsFileRule tells whether a refusal's code is that of a file rule.
func IsFileRule(code string) bool {
	switch code {
	case FileTooLarge, FileEmpty, NoRows, TooManyRows, TooManyColumns, HeaderEmpty, HeaderDuplicate,
		SeparatorUnsupported, EncodingInvalid, RowTooLong, RowMalformed, HeaderMismatch:
		return true
	}
	return false
}
