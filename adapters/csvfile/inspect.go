package csvfile

import "io"

// Inspect checks a file as a whole, in one pass and without keeping it. A file
// rule that is broken is returned as *commands.Refusal, as soon as it shows.
func Inspect(file io.Reader, o Options) (Facts, error) {
	r, err := open(file, o)
	for err == nil {
		err = r.Skip(1)
	}
	if err != io.EOF {
		return Facts{}, err
	}
	if err := r.settleNames(); err != nil {
		return Facts{}, err
	}
	if r.rows == 0 {
		return Facts{}, noRows()
	}
	return r.Facts(), nil
}
