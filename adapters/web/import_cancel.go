package web

// cancelImport ends an import early, from the wizard as well: what is canceled can be
// imported again, so that nobody is asked twice.
func (v *visit) cancelImport() error {
	id, err := v.importID()
	if err != nil {
		return err
	}
	if err := v.parseForm(); err != nil {
		return err
	}
	imp, err := v.Imports.Cancel(v.ctx(), id, limited(v.r.PostForm.Get("reason"), 300), v.meta())
	if err != nil {
		return err
	}
	if err := v.Drafts.Remove(v.ctx(), id); err != nil {
		return err
	}
	if imp.Mapped == nil {
		return v.seeOther("/imports?done=given-up&after=" + imp.Position.String())
	}
	return v.seeOther("/imports/" + id + "?done=canceled&after=" + imp.Position.String())
}
