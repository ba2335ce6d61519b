// morph makes what is on the page equal to what the server made anew, and touches
// only what differs: focus, scrolling, selections and what people opened stay.

// kept are attributes that belong to the viewer.
const kept = new Set(["open"]);

function attributes(from, to) {
	for (const { name } of [...from.attributes]) {
		if (!to.hasAttribute(name) && !kept.has(name)) {
			from.removeAttribute(name);
		}
	}
	for (const { name, value } of [...to.attributes]) {
		if (!kept.has(name) && from.getAttribute(name) !== value) {
			from.setAttribute(name, value);
		}
	}
}

function same(a, b) {
	return a.nodeType === b.nodeType && a.nodeName === b.nodeName && (a.id || "") === (b.id || "");
}

function node(from, to) {
	if (from.nodeType !== Node.ELEMENT_NODE) {
		if (from.nodeValue !== to.nodeValue) {
			from.nodeValue = to.nodeValue;
		}
		return;
	}
	attributes(from, to);
	children(from, to);
}

// find looks among the siblings from a node on for the one that has the wanted's id.
function find(from, wanted) {
	for (let n = from; n && wanted.id; n = n.nextSibling) {
		if (same(n, wanted)) {
			return n;
		}
	}
	return null;
}

function children(from, to) {
	let at = from.firstChild;
	for (const wanted of [...to.childNodes]) {
		if (at && same(at, wanted)) {
			node(at, wanted);
			at = at.nextSibling;
			continue;
		}
		const moved = find(at, wanted);
		if (moved) {
			from.insertBefore(moved, at);
			node(moved, wanted);
		} else {
			from.insertBefore(document.importNode(wanted, true), at);
		}
	}
	while (at) {
		const next = at.nextSibling;
		at.remove();
		at = next;
	}
}

export function morph(element, html) {
	const made = new DOMParser().parseFromString(html, "text/html").body;
	children(element, made);
}
