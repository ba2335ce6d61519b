package api

import (
	"context"

	"importledger/projections"
)

// readingObject is what there is to know of an import beyond the Import, whose keys
// are those of the People API and stay so.
type readingObject struct {
	KeyIdentifier  string   `json:"keyIdentifier" doc:"The attribute that says which contact a row is about."`
	DefaultCountry *string  `json:"defaultCountry" doc:"Of national phone numbers, ISO 3166-1 alpha-2."`
	BlankCells     string   `json:"blankCells" enum:"keep,clear" doc:"What a blank cell does to the contact's attribute."`
	Guessed        bool     `json:"encodingGuessed" doc:"The encoding was assumed: nothing in the file says it."`
	Corrects       *string  `json:"corrects" doc:"The import whose rejected rows this one has, mended."`
	CorrectedBy    []string `json:"correctedBy" doc:"Imports that have rejected rows of this one, mended; oldest first."`
}

func (a *API) getReading(ctx context.Context, in *importQuery) (*struct{ Body readingObject }, error) {
	if err := a.reached(ctx, in.After, projections.ImportsList); err != nil {
		return nil, err
	}
	s, err := a.currentImport(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	by, err := projections.CorrectedBy(ctx, a.db, []string{s.ID})
	return &struct{ Body readingObject }{readingObject{
		KeyIdentifier: s.Started.KeyIdentifier, DefaultCountry: orNull(s.DefaultCountry()), BlankCells: string(s.BlankCells()),
		Guessed: s.File().EncodingGuessed, Corrects: orNull(s.Started.Corrects), CorrectedBy: orEmpty(by[s.ID]),
	}}, err
}
