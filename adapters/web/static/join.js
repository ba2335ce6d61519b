// The secret of an invitation stands behind the # of its link. It goes into the form,
// and away from the address, where the history would keep it.
export function joins(form) {
	const secret = location.hash.slice(1);
	if (!form || !secret) {
		return;
	}
	form.elements.link.value = secret;
	form.elements.link.closest("label").hidden = true;
	form.elements.password.focus();
	history.replaceState(null, "", location.pathname);
}
