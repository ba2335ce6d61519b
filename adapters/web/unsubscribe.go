package web

import "net/http"

type unsubscribeView struct{ Done bool }

// unsubscribePage is where the link of a mail leads. It only asks: programs that look
// at mail follow its links.
func (v *visit) unsubscribePage() error {
	if err := v.Notifications.CheckUnsubscribe(v.r.PathValue("token")); err != nil {
		return err
	}
	return v.render(http.StatusOK, "unsubscribe", view{Title: "No more mail", Bare: true, Body: unsubscribeView{}})
}

// unsubscribe ends a user's mail, asked by the page or, as RFC 8058 has it, by a mail
// program for its user: who has the link need not be signed in.
func (v *visit) unsubscribe() error {
	if err := v.Notifications.Unsubscribe(v.ctx(), v.r.PathValue("token")); err != nil {
		return err
	}
	return v.render(http.StatusOK, "unsubscribe", view{Title: "No more mail", Bare: true, Body: unsubscribeView{Done: true}})
}
