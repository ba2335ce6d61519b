package events

// AttributeType is the type of a contact's attribute.
type AttributeType string

// The types of attributes. Timestamp is only for reserved ones.
const (
	String    AttributeType = "string"
	Number    AttributeType = "number"
	Boolean   AttributeType = "boolean"
	Timestamp AttributeType = "timestamp"
)

// Attribute is one attribute that contacts of the account can have.
type Attribute struct {
	Name     string        `json:"name"`
	Type     AttributeType `json:"type"`
	Reserved bool          `json:"reserved"`
	ReadOnly bool          `json:"-"` // cannot be mapped
}

// Names of the reserved attributes that rules know by name.
const (
	Email          = "email"
	Phone          = "phone"
	ExternalID     = "externalId"
	Language       = "language"
	SMSCapable     = "smsCapable"
	Unsubscribed   = "unsubscribed"
	CreatedAt      = "createdAt"
	NxID           = "nxId"
	CreatedAtNaxai = "createdAtNaxai"
)

// Reserved are the attributes that every account has.
var Reserved = []Attribute{
	{Name: NxID, Type: String, Reserved: true, ReadOnly: true},
	{Name: Email, Type: String, Reserved: true},
	{Name: Phone, Type: String, Reserved: true},
	{Name: ExternalID, Type: String, Reserved: true},
	{Name: SMSCapable, Type: Boolean, Reserved: true},
	{Name: Unsubscribed, Type: Boolean, Reserved: true},
	{Name: Language, Type: String, Reserved: true},
	{Name: CreatedAt, Type: Timestamp, Reserved: true},
	{Name: CreatedAtNaxai, Type: Timestamp, Reserved: true, ReadOnly: true},
}

// ReservedAttribute finds a reserved attribute by its exact name.
func ReservedAttribute(name string) (Attribute, bool) {
	for _, a := range Reserved {
		if a.Name == name {
			return a, true
		}
	}
	return Attribute{}, false
}

// KeyIdentifiers are the attributes that can say which contact a row is about.
var KeyIdentifiers = []string{Email, Phone, ExternalID}
