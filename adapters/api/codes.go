package api

import "net/http"

// errorCode is a code that an error's answer can have.
type errorCode struct {
	Code     string `json:"code"`
	Meaning  string `json:"meaning"`
	Statuses []int  `json:"statuses"`
}

// errorCodes are all of them, in one place. Codes of details, which say what is wrong with
// one field or row, are explained where the rule is.
var errorCodes = []errorCode{
	{"malformed", "The request cannot be read: its JSON, a parameter or its address.", []int{http.StatusBadRequest}},
	{"form-malformed", "The form cannot be read, or has a field it should not have.", []int{http.StatusBadRequest}},
	{"body-incomplete", "The body ended too early.", []int{http.StatusBadRequest}},
	{"position-malformed", "after is no X-Ledger-Position.", []int{http.StatusBadRequest}},

	{"token-missing", "There is no access token.", []int{http.StatusUnauthorized}},
	{"token-invalid", "The access token is wrong, expired or revoked.", []int{http.StatusUnauthorized}},
	{"sign-in-refused", "The name or the password is wrong.", []int{http.StatusUnprocessableEntity}},

	{"scope-missing", "The token does not have the scope that this needs.", []int{http.StatusForbidden, http.StatusUnprocessableEntity}},
	{"scope-not-yours", "Nobody can give away a scope that they do not have.", []int{http.StatusForbidden}},
	{"password-must-change", "This user has to choose a password first.", []int{http.StatusForbidden}},
	{"other-origin", "A browser's session is good for pages of this server only.", []int{http.StatusForbidden}},

	{"import-not-found", "There is no such import.", []int{http.StatusNotFound}},
	{"revision-not-found", "The import has no such revision.", []int{http.StatusNotFound}},
	{"row-not-found", "The import has no outcome for such a row.", []int{http.StatusNotFound}},
	{"source-missing", "Nothing of the file was kept.", []int{http.StatusNotFound}},
	{"corrected-import-not-found", "There is no import that this one could correct.", []int{http.StatusUnprocessableEntity}},
	{"contact-not-found", "There is no such contact.", []int{http.StatusNotFound}},
	{"attribute-not-found", "There is no such attribute.", []int{http.StatusNotFound}},
	{"segment-not-found", "There is no such segment.", []int{http.StatusNotFound, http.StatusUnprocessableEntity}},
	{"connector-not-found", "There is no such connector.", []int{http.StatusNotFound}},
	{"sample-not-found", "The sample file of a template is not kept any more.", []int{http.StatusNotFound}},
	{"projection-not-found", "There is no such projection.", []int{http.StatusNotFound}},
	{"event-not-found", "The log does not have the event any more.", []int{http.StatusNotFound}},
	{"client-not-found", "There is no such API client.", []int{http.StatusNotFound}},
	{"user-not-found", "There is no such user.", []int{http.StatusNotFound}},
	{"link-invalid", "The link was used, or its time is over.", []int{http.StatusNotFound}},
	{"session-not-found", "There is no such session.", []int{http.StatusNotFound}},
	{"webhook-not-found", "There is no such webhook.", []int{http.StatusNotFound}},
	{"attempt-not-found", "The webhook has no such attempt.", []int{http.StatusNotFound}},
	{"route-not-found", "There is nothing at this address.", []int{http.StatusNotFound}},

	{"method-not-allowed", "The address does not take this method.", []int{http.StatusMethodNotAllowed}},
	{"body-too-slow", "The body did not arrive in time.", []int{http.StatusRequestTimeout}},

	{"import-exists", "There is an import with this id.", []int{http.StatusConflict}},
	{"connector-made", "The connector is made from its sample already.", []int{http.StatusConflict}},
	{"already-mapped", "The columns of the import are mapped already.", []int{http.StatusConflict}},
	{"file-unreadable", "The file broke a rule and has no rows to map.", []int{http.StatusConflict}},
	{"rows-missing", "Not every row has its outcome yet.", []int{http.StatusConflict}},
	{"import-ended", "The import has ended and cannot be changed.", []int{http.StatusConflict}},
	{"import-running", "An import is being worked off.", []int{http.StatusConflict}},
	{"not-importing", "The import's state does not allow it.", []int{http.StatusConflict}},
	{"overtaken", "Somebody else changed this in the meantime.", []int{http.StatusConflict}},
	{"contacts-exist", "The key identifier can be changed only while there are no contacts.", []int{http.StatusConflict}},
	{"key-identifier-changed", "The key identifier is another than when the import was started.", []int{http.StatusConflict}},
	{"attribute-exists", "There is an attribute of this name.", []int{http.StatusConflict}},
	{"attribute-reserved", "The name is one of the attributes that everybody has.", []int{http.StatusUnprocessableEntity}},
	{"segment-exists", "There is a segment with this id.", []int{http.StatusConflict}},
	{"segment-name-taken", "There is a segment of this name.", []int{http.StatusConflict}},
	{"projection-busy", "The projection is being rebuilt or verified.", []int{http.StatusConflict}},
	{"projection-not-rebuilding", "There is no rebuild of the projection to pause, resume or cancel.", []int{http.StatusConflict}},
	{"projection-rollback-missing", "The projection has no tables of before to roll back to.", []int{http.StatusConflict}},
	{"projection-rollback-version", "Another version of the program has filled the tables to roll back to.", []int{http.StatusConflict}},
	{"projection-stopped-again", "The projection cannot apply the event at which it had stopped; the message names it.", []int{http.StatusConflict}},
	{"projection-not-stopped", "The projection has not stopped at an event.", []int{http.StatusConflict}},
	{"client-revoked", "The API client is revoked.", []int{http.StatusConflict}},
	{"client-of-environment", "The API client is made by the environment and changed there.", []int{http.StatusConflict}},
	{"username-taken", "Another connector has this username.", []int{http.StatusConflict}},
	{"user-name-taken", "There is a user of this name.", []int{http.StatusConflict}},
	{"user-disabled", "The user is disabled.", []int{http.StatusConflict}},
	{"too-many-webhooks", "There are as many webhooks as there can be.", []int{http.StatusConflict}},
	{"webhook-disabled", "The webhook is disabled.", []int{http.StatusConflict}},
	{"last-admin", "Somebody has to stay who can let others in.", []int{http.StatusConflict}},

	{"precondition-failed", "If-Match names another state.", []int{http.StatusPreconditionFailed}},
	{"file-too-large", "The file has too many bytes.", []int{http.StatusRequestEntityTooLarge}},
	{"body-too-large", "The body has too many bytes.", []int{http.StatusRequestEntityTooLarge}},
	{"media-type-unsupported", "The body has another media type than this takes.", []int{http.StatusUnsupportedMediaType}},

	{"invalid-request", "Something in the request is not acceptable; details say what.", []int{http.StatusUnprocessableEntity}},
	{"condition-invalid", "The condition of a search cannot be searched for; details say where.", []int{http.StatusUnprocessableEntity}},
	{"day-invalid", "A day is written 2026-01-31.", []int{http.StatusUnprocessableEntity}},
	{"contacts-unknown", "Some of these ids are no contacts; details say which.", []int{http.StatusUnprocessableEntity}},
	{"search-too-long", "The search looks at too much to end in time.", []int{http.StatusUnprocessableEntity}},
	{"mapping-invalid", "The mapping does not fit the file or the account; details name the columns.", []int{http.StatusUnprocessableEntity}},
	{"webhook-url-refused", "The address cannot be called; details say why.", []int{http.StatusUnprocessableEntity}},
	{"file-empty", "The file is empty.", []int{http.StatusUnprocessableEntity}},
	{"no-rows", "The file has no row below its header.", []int{http.StatusUnprocessableEntity}},
	{"too-many-rows", "The file has too many rows.", []int{http.StatusUnprocessableEntity}},
	{"too-many-columns", "The file has too many columns.", []int{http.StatusUnprocessableEntity}},
	{"header-empty", "A column has no name.", []int{http.StatusUnprocessableEntity}},
	{"header-duplicate", "Two columns have one name.", []int{http.StatusUnprocessableEntity}},
	{"header-mismatch", "The file's columns are not the template's.", []int{http.StatusUnprocessableEntity}},
	{"separator-unsupported", "The file is not separated by commas or semicolons.", []int{http.StatusUnprocessableEntity}},
	{"encoding-invalid", "The file's encoding is not understood.", []int{http.StatusUnprocessableEntity}},
	{"row-too-long", "The header has too many bytes.", []int{http.StatusUnprocessableEntity}},
	{"row-malformed", "The header's quotes do not close.", []int{http.StatusUnprocessableEntity}},
	{"idempotency-key-reused", "The Idempotency-Key was used with another file.", []int{http.StatusUnprocessableEntity}},
	{"file-missing", "There is no file.", []int{http.StatusUnprocessableEntity}},
	{"file-repeated", "There is more than one file.", []int{http.StatusUnprocessableEntity}},
	{"client-name-invalid", "An API client's name has 1 to 100 characters on one line.", []int{http.StatusUnprocessableEntity}},
	{"scope-unknown", "There is no such scope.", []int{http.StatusUnprocessableEntity}},
	{"role-unknown", "There is no such role.", []int{http.StatusUnprocessableEntity}},
	{"user-name-invalid", "The name has characters that names of users do not have.", []int{http.StatusUnprocessableEntity}},
	{"password-unchanged", "The new password is the old one.", []int{http.StatusUnprocessableEntity}},

	{"too-many-requests", "Too many requests of one client; Retry-After says when there may be more.", []int{http.StatusTooManyRequests}},
	{"slow-down", "Too many wrong secrets; Retry-After says when to try again.", []int{http.StatusTooManyRequests}},
	{"too-many-streams", "Too many clients follow imports.", []int{http.StatusTooManyRequests}},
	{"too-many-searches", "Too many searches run.", []int{http.StatusTooManyRequests}},
	{"too-many-questions", "Many ask where values come from.", []int{http.StatusTooManyRequests}},
	{"reviews-busy", "Too many files are being reviewed.", []int{http.StatusServiceUnavailable}},

	{"internal", "A fault of the service; the message has a number that the log has too.", []int{http.StatusInternalServerError}},
	{"event-store-unavailable", "The event store cannot be reached; Retry-After says when to try again.", []int{http.StatusServiceUnavailable}},
	{"database-unavailable", "The database cannot be reached.", []int{http.StatusServiceUnavailable}},
	{"read-model-behind", "What was written is not readable yet.", []int{http.StatusServiceUnavailable}},
	{"read-model-stopped", "A read model has stopped and has to be mended.", []int{http.StatusServiceUnavailable}},
	{"shutting-down", "The service is ending.", []int{http.StatusServiceUnavailable}},
}

// Codes tells the statuses that each code is answered with.
func Codes() map[string][]int {
	all := make(map[string][]int, len(errorCodes))
	for _, c := range errorCodes {
		all[c.Code] = c.Statuses
	}
	return all
}
