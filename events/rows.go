package events

// RowError is one reason why a row was rejected.
type RowError struct {
	Column  string `json:"column,omitempty"` // header of the cell; empty: the row as a whole
	Code    string `json:"code"`
	Message string `json:"message"`
	Value   string `json:"value,omitempty"` // the cell as it was, shortened
}
