package aggregate

import (
	"slices"
	"strings"

	"importledger/events"
)

// foldName makes names equal that differ only in case, spaces, _ and -.
func foldName(name string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case ' ', '\u00a0', '_', '-':
			return -1
		}
		return r
	}, strings.ToLower(name))
}

// synonyms are groups of words for the same thing, in English, French, Dutch and
// German, folded. A header fits an attribute whose name is in its group.
var synonyms = []string{
	foldName(events.Email) + " mail emailaddress mailaddress emailadres mailadres adresseemail adressemail courriel adresseelectronique adresseélectronique emailadresse",
	foldName(events.Phone) + " mobile gsm telephone téléphone tel tél phonenumber telephonenumber mobilephone mobilenumber cell cellphone msisdn " +
		"portable numérodetéléphone numerodetelephone telefoon telefoonnummer gsmnummer mobiel telefon telefonnummer handy handynummer mobil",
	foldName(events.ExternalID) + " externalreference externalref customerid customernumber clientid userid contactid klantnummer klantid kundennummer numéroclient numeroclient",
	foldName(events.Language) + " lang languagecode langue taal sprache",
	foldName(events.CreatedAt) + " created createdon createddate creationdate datecreated signupdate signedupat registeredat registrationdate",
	foldName(events.Unsubscribed) + " unsubscribe optout optedout désabonné desabonne désinscrit desinscrit uitgeschreven abgemeldet",
	foldName(events.SMSCapable) + " smsenabled cansms",
	"firstname givenname forename prénom prenom voornaam vorname",
	"lastname surname familyname nomdefamille familienaam achternaam nachname familienname",
	"fullname name nom naam",
	"company companyname organization organisation société societe entreprise bedrijf bedrijfsnaam firma unternehmen",
	"birthday birthdate dateofbirth dob datedenaissance geboortedatum geburtsdatum geburtstag",
	"gender sex sexe geslacht geschlecht",
	"street address adresse adres straat rue strasse straße",
	"postalcode zip zipcode postcode codepostal plz postleitzahl",
	"city town ville stad gemeente stadt ort",
	"country pays land",
}

var synonymGroups = func() map[string]int {
	groups := map[string]int{}
	for i, words := range synonyms {
		for word := range strings.FieldsSeq(words) {
			groups[word] = i
		}
	}
	return groups
}()

// areSynonyms compares folded names.
func areSynonyms(a, b string) bool {
	group, known := synonymGroups[a]
	other, too := synonymGroups[b]
	return known && too && group == other
}

// isTimeName tells whether a folded header may name the time of an event.
func isTimeName(folded string) bool {
	return slices.Contains([]string{"timestamp", "time", "date", "datetime", "when", "at", "eventtime", "eventdate", "eventat",
		"occurredat", "occurredon", "happenedat", "date&time", "horodatage", "heure", "tijd", "tijdstip", "datum", "zeit", "zeitpunkt"}, folded)
}
