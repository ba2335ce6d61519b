package projections

import (
	"fmt"

	"importledger/events"
)

// Condition says which contacts a search finds, in the condition language of the
// People API: groups of all and any, conditions on attributes, conditions on
// events. ParseCondition makes one; what it made can be searched for.
//
// Every condition is true or false for every contact: not-eq, not-contains and
// not-exists are the exact opposites of their counterparts, so that a contact
// without a value satisfies them. Texts are compared without regard to case.
type Condition interface {
	// sql gives a Boolean expression over contact c; null counts as false.
	sql(*statement) string
}

type (
	allOf []Condition
	anyOf []Condition

	// comparison is a condition on one value: a contact's attribute, or a property
	// of an event.
	comparison struct {
		field    string
		typ      events.AttributeType // empty: a property, whose type its value has
		operator Operator
		values   []any // string, decimal, bool or milliseconds, as the operator needs
	}

	// occurrence is a condition on how often an event happened to a contact.
	occurrence struct {
		name     string
		count    int
		atMost   bool   // else at least
		after    *int64 // excluded, Unix epoch in milliseconds; nil: no such bound
		before   *int64 // excluded
		within   *Period
		property []Condition // all of them hold for one event
	}

	decimal string // a number as JSON writes it
	instant int64  // Unix epoch, milliseconds
)

// Period is a stretch of time that ends now.
type Period struct{ Days, Months int }

// Operator compares a value with what a condition gives.
type Operator string

// The operators. IsSet and IsNotSet are other words for Exists and NotExists.
const (
	Eq                 Operator = "eq"
	NotEq              Operator = "not-eq"
	Gt                 Operator = "gt"
	Lt                 Operator = "lt"
	Between            Operator = "between" // both ends included
	Exists             Operator = "exists"
	NotExists          Operator = "not-exists"
	IsSet              Operator = "is-set"
	IsNotSet           Operator = "is-not-set"
	Contains           Operator = "contains"
	NotContains        Operator = "not-contains"
	StartsWith         Operator = "starts-with"
	EndsWith           Operator = "ends-with"
	IsTrue             Operator = "is-true"
	IsFalse            Operator = "is-false"
	IsTimestamp        Operator = "is-timestamp"
	IsTimestampBefore  Operator = "is-timestamp-before"
	IsTimestampAfter   Operator = "is-timestamp-after"
	IsTimestampBetween Operator = "is-timestamp-between" // both ends included
	IsMobile           Operator = "is-mobile"
	IsNotMobile        Operator = "is-not-mobile"
)

// operand is what an operator is given: nothing, one value or two, and of what kind.
type operand struct {
	values   int
	suits    []events.AttributeType // attributes it can be asked of
	asTime   bool                   // its values are times, whatever the attribute
	nonEmpty bool                   // its text must not be empty
	property bool                   // it can be asked of an event's property
	phone    bool                   // it can be asked of the phone alone
}

var (
	every   = []events.AttributeType{events.String, events.Number, events.Boolean, events.Timestamp}
	texts   = []events.AttributeType{events.String}
	ordered = []events.AttributeType{events.Number, events.Timestamp}
)

var operands = map[Operator]operand{
	Eq:                 {values: 1, suits: every, property: true},
	NotEq:              {values: 1, suits: every, property: true},
	Gt:                 {values: 1, suits: ordered, property: true},
	Lt:                 {values: 1, suits: ordered, property: true},
	Between:            {values: 2, suits: ordered, property: true},
	Exists:             {suits: every, property: true},
	NotExists:          {suits: every, property: true},
	IsSet:              {suits: every, property: true},
	IsNotSet:           {suits: every, property: true},
	Contains:           {values: 1, suits: texts, nonEmpty: true, property: true},
	NotContains:        {values: 1, suits: texts, nonEmpty: true, property: true},
	StartsWith:         {values: 1, suits: texts, nonEmpty: true, property: true},
	EndsWith:           {values: 1, suits: texts, nonEmpty: true, property: true},
	IsTrue:             {suits: []events.AttributeType{events.Boolean}, property: true},
	IsFalse:            {suits: []events.AttributeType{events.Boolean}, property: true},
	IsTimestamp:        {suits: ordered},
	IsTimestampBefore:  {values: 1, suits: ordered, asTime: true},
	IsTimestampAfter:   {values: 1, suits: ordered, asTime: true},
	IsTimestampBetween: {values: 2, suits: ordered, asTime: true},
	IsMobile:           {suits: texts, phone: true},
	IsNotMobile:        {suits: texts, phone: true},
}

// Operators lists all of them, in the order of the documentation.
func Operators() []Operator {
	return []Operator{Eq, NotEq, Gt, Lt, Between, Exists, NotExists, IsSet, IsNotSet, Contains, NotContains, StartsWith, EndsWith,
		IsTrue, IsFalse, IsTimestamp, IsTimestampBefore, IsTimestampAfter, IsTimestampBetween, IsMobile, IsNotMobile}
}

// What a condition may hold, so that a search stays one that Postgres can do.
const (
	MaxConditionDepth  = 5   // groups inside each other
	MaxConditions      = 100 // on attributes, events and properties, together
	MaxEventConditions = 10
	maxConditionText   = 1000 // characters of a value
)

// ConditionError says what is wrong with a condition, and where.
type ConditionError struct {
	Path    string // such as condition.all[0].attribute.operator
	Code    string
	Message string
}

func (e *ConditionError) Error() string { return fmt.Sprintf("%s: %s", e.Path, e.Message) }
