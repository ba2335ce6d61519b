package web

import (
	"errors"
	"fmt"
)

// Who may use a route: everybody, everybody who is signed in, or whoever has the
// scope, or all of several. The scopes are the API's.
const (
	public   = "public"
	signedIn = "signed in"

	importsRead   = "imports:read"
	importsWrite  = "imports:write"
	contactsRead  = "contacts:read"
	contactsWrite = "contacts:write"
	auditRead     = "audit:read"
	opsWrite      = "ops:write"
)

// route is one address, who may use it and what serves it.
type route struct {
	pattern string
	who     string
	serve   func(*visit) error
}

// routes is every address of the web interface.
func routes() []route {
	return []route{
		{"GET /{$}", signedIn, (*visit).home},
		{"GET /static/{version}/{file...}", public, (*visit).static},

		{"GET /sign-in", public, (*visit).signInPage},
		{"POST /sign-in", public, (*visit).signIn},
		{"POST /sign-out", signedIn, (*visit).signOut},
		{"GET /join", public, (*visit).joinPage},
		{"POST /join", public, (*visit).join},
		{"GET /set-up", signedIn, (*visit).setUpPage},
		{"POST /set-up", signedIn, (*visit).setUp},

		{"GET /notifications", importsRead, (*visit).noticesPage},
		{"GET /notifications/live", importsRead, (*visit).noticesLive},
		{"GET /notifications/bell", importsRead, (*visit).bellLive},
		{"POST /notifications/read", importsRead, (*visit).markRead},
		{"POST /notifications/mail", importsRead, (*visit).setWishes},
		{"GET /unsubscribe/{token}", public, (*visit).unsubscribePage},
		{"POST /unsubscribe/{token}", public, (*visit).unsubscribe},

		{"GET /imports", importsRead, (*visit).importsPage},
		{"GET /imports/live", importsRead, (*visit).importsLive},

		{"GET /imports/new", importsWrite, (*visit).uploadPage},
		{"POST /imports/new", importsWrite, (*visit).upload},
		{"GET /imports/{id}/file", importsWrite, (*visit).filePage},
		{"POST /imports/{id}/file", importsWrite, (*visit).filePage},
		{"GET /imports/{id}/columns", importsWrite, (*visit).columnsPage},
		{"POST /imports/{id}/columns", importsWrite, (*visit).columnsPage},
		{"GET /imports/{id}/details", importsWrite, (*visit).detailsPage},
		{"POST /imports/{id}/details", importsWrite, (*visit).detailsPage},
		{"GET /imports/{id}/review", importsWrite, (*visit).reviewPage},
		{"POST /imports/{id}/review", importsWrite, (*visit).reviewPage},
		{"GET /imports/{id}/review/errors.csv", importsWrite, (*visit).reviewErrors},
		{"POST /imports/{id}/start", importsWrite, (*visit).startImport},

		{"GET /imports/{id}", importsRead, (*visit).importPage},
		{"GET /imports/{id}/live", importsRead, (*visit).importLive},
		{"POST /imports/{id}/cancel", importsWrite, (*visit).cancelImport},
		{"GET /imports/{id}/errors.csv", importsRead, (*visit).errorsCSV},
		{"GET /imports/{id}/source", auditRead, (*visit).source},
		{"GET /imports/{id}/audit", auditRead, (*visit).exported},
		{"GET /imports/{id}/rows/{row}", auditRead, (*visit).rowPage},

		{"GET /imports/{id}/history", auditRead, (*visit).historyPage},
		{"POST /imports/{id}/history/search", auditRead, (*visit).historySearch},
		{"GET /imports/{id}/history/{revision}", auditRead, (*visit).eventPage},
		{"GET /imports/{id}/at", auditRead, (*visit).atPage},

		{"GET /contacts", contactsRead, (*visit).contactsPage},
		{"POST /contacts/search", contactsRead, (*visit).contactsSearch},
		{"GET /contacts/{id}", contactsRead, (*visit).contactPage},
		{"GET /contacts/{id}/why", contactsRead + " " + auditRead, (*visit).whyPage},
		{"GET /contacts/{id}/why/attribute", contactsRead + " " + auditRead, (*visit).attributeWhyPage},
		{"POST /contacts/{id}/segments/add", contactsWrite, (*visit).addToSegment},
		{"POST /contacts/{id}/segments/remove", contactsWrite, (*visit).takeFromSegment},
		{"GET /segments", contactsRead, (*visit).segmentsPage},
		{"POST /segments", contactsWrite, (*visit).createSegment},
		{"GET /segments/new", contactsWrite, (*visit).newSegmentPage},
		{"GET /segments/{id}", contactsRead, (*visit).segmentPage},
		{"GET /segments/{id}/edit", contactsWrite, (*visit).editSegmentPage},
		{"POST /segments/{id}/edit", contactsWrite, (*visit).changeSegment},
		{"POST /segments/{id}/remove", contactsWrite, (*visit).removeSegment},
		{"POST /segments/{id}/contacts/add", contactsWrite, (*visit).addContacts},
		{"POST /segments/{id}/contacts/remove", contactsWrite, (*visit).removeContacts},
		{"GET /attributes", contactsRead, (*visit).attributesPage},
		{"POST /attributes", contactsWrite, (*visit).createAttribute},

		{"GET /account", signedIn, (*visit).accountPage},
		{"POST /account/password", signedIn, (*visit).changePassword},
		{"POST /account/sessions/end", signedIn, (*visit).endOwnSession},

		{"GET /users", opsWrite, (*visit).usersPage},
		{"POST /users", opsWrite, (*visit).invite},
		{"GET /users/invite", opsWrite, (*visit).invitePage},
		{"GET /users/{id}", opsWrite, (*visit).userPage},
		{"POST /users/{id}/role", opsWrite, setRole},
		{"POST /users/{id}/disable", opsWrite, disableUser},
		{"POST /users/{id}/enable", opsWrite, enableUser},
		{"POST /users/{id}/password", opsWrite, (*visit).resetPassword},
		{"POST /users/{id}/sessions/end", opsWrite, endUserSession},
		{"GET /clients", opsWrite, (*visit).programsPage},
		{"POST /clients", opsWrite, (*visit).createProgram},
		{"GET /clients/new", opsWrite, (*visit).newProgramPage},
		{"GET /clients/{id}", opsWrite, (*visit).programPage},
		{"POST /clients/{id}/secret", opsWrite, (*visit).rotateProgram},
		{"POST /clients/{id}/revoke", opsWrite, (*visit).revokeProgram},
		{"GET /audit", opsWrite, (*visit).auditPage},

		{"GET /connectors", opsWrite, (*visit).connectorsPage},
		{"GET /connectors/certificate.pem", opsWrite, (*visit).certificate},
		{"GET /connectors/new", opsWrite, (*visit).newConnectorPage},
		{"POST /connectors/new", opsWrite, (*visit).newConnector},
		{"GET /connectors/drafts/{id}/file", opsWrite, (*visit).samplePage},
		{"POST /connectors/drafts/{id}/file", opsWrite, (*visit).samplePage},
		{"GET /connectors/drafts/{id}/columns", opsWrite, (*visit).templateColumnsPage},
		{"POST /connectors/drafts/{id}/columns", opsWrite, (*visit).templateColumnsPage},
		{"GET /connectors/drafts/{id}/access", opsWrite, (*visit).accessPage},
		{"POST /connectors/drafts/{id}/access", opsWrite, (*visit).accessPage},
		{"POST /connectors/drafts/{id}/discard", opsWrite, (*visit).discardSample},
		{"GET /connectors/{id}", opsWrite, (*visit).connectorPage},
		{"GET /connectors/{id}/live", opsWrite, (*visit).connectorLive},
		{"GET /connectors/{id}/files", opsWrite, (*visit).connectorFilesPage},
		{"GET /connectors/{id}/activity", opsWrite, (*visit).connectorActivityPage},
		{"GET /connectors/{id}/change", opsWrite, (*visit).changeConnectorPage},
		{"POST /connectors/{id}/change", opsWrite, (*visit).changeConnector},
		{"GET /connectors/{id}/template", opsWrite, (*visit).newTemplatePage},
		{"POST /connectors/{id}/template", opsWrite, (*visit).newTemplate},
		{"POST /connectors/{id}/password", opsWrite, (*visit).renewPassword},
		{"POST /connectors/{id}/enable", opsWrite, (*visit).enableConnector},
		{"POST /connectors/{id}/disable", opsWrite, (*visit).disableConnector},
		{"POST /connectors/{id}/remove", opsWrite, (*visit).removeConnector},

		{"GET /webhooks", opsWrite, (*visit).webhooksPage},
		{"POST /webhooks", opsWrite, (*visit).createWebhook},
		{"GET /webhooks/new", opsWrite, (*visit).newWebhookPage},
		{"GET /webhooks/{id}", opsWrite, (*visit).webhookPage},
		{"GET /webhooks/{id}/live", opsWrite, (*visit).webhookLive},
		{"GET /webhooks/{id}/change", opsWrite, (*visit).changeWebhookPage},
		{"POST /webhooks/{id}/change", opsWrite, (*visit).changeWebhook},
		{"POST /webhooks/{id}/secret", opsWrite, (*visit).rotateWebhook},
		{"POST /webhooks/{id}/enable", opsWrite, (*visit).enableWebhook},
		{"POST /webhooks/{id}/disable", opsWrite, (*visit).disableWebhook},
		{"POST /webhooks/{id}/remove", opsWrite, (*visit).removeWebhook},
		{"POST /webhooks/{id}/attempts/{attempt}/resend", opsWrite, (*visit).resendWebhook},

		{"GET /operations", opsWrite, (*visit).operationsPage},
		{"GET /operations/live", opsWrite, (*visit).operationsLive},
		{"POST /operations/verify", opsWrite, (*visit).verify},
		{"POST /operations/rebuild/{name}", opsWrite, (*visit).rebuild},
		{"POST /operations/pause/{name}", opsWrite, (*visit).pauseRebuild},
		{"POST /operations/resume/{name}", opsWrite, (*visit).resumeRebuild},
		{"POST /operations/cancel/{name}", opsWrite, (*visit).cancelRebuild},
		{"POST /operations/rollback/{name}", opsWrite, (*visit).rollback},
		{"POST /operations/retry/{name}", opsWrite, (*visit).retry},
		{"POST /operations/limit", opsWrite, (*visit).limitRebuilds},
		{"GET /operations/event/{name}", auditRead, (*visit).stoppedEvent},
	}
}

// addRoutes refuses a route that does not say who may use it.
func (w *Web) addRoutes() error {
	var faults []error
	for _, r := range routes() {
		if r.who == "" {
			faults = append(faults, fmt.Errorf("route %q does not say who may use it", r.pattern))
			continue
		}
		w.mux.Handle(r.pattern, w.handle(r))
	}
	return errors.Join(faults...)
}
