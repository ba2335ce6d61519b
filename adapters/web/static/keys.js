// Keyboard shortcuts: g and a letter goes somewhere, others do what the page offers.
// Single letters get in the way of some people, who can turn them off; ? stays.
const places = { i: "/imports", c: "/contacts", s: "/segments", a: "/attributes", k: "/connectors", w: "/webhooks", o: "/operations",
	u: "/users", p: "/clients", l: "/audit", m: "/account", n: "/notifications" };

function typing(target) {
	return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.nodeName);
}

function sheet() {
	const dialog = document.getElementById("shortcuts");
	dialog?.showModal();
}

const offKey = "importledger.shortcuts-off";

function isOff() {
	return localStorage.getItem(offKey) !== null;
}

// offerToTurnOff ties the sheet's box to what this browser remembers.
function offerToTurnOff() {
	const box = document.getElementById("shortcuts-on");
	if (!box) {
		return;
	}
	box.checked = !isOff();
	box.addEventListener("change", () => {
		if (box.checked) {
			localStorage.removeItem(offKey);
		} else {
			localStorage.setItem(offKey, "1");
		}
	});
}

export function listen() {
	let going = 0;
	offerToTurnOff();
	document.addEventListener("keydown", (e) => {
		if (e.ctrlKey || e.metaKey || e.altKey || e.defaultPrevented || typing(e.target) || document.querySelector("dialog[open]")) {
			return;
		}
		if (e.key !== "?" && isOff()) {
			return;
		}
		if (going > Date.now() && places[e.key]) {
			const link = document.querySelector(`#nav a[href="${places[e.key]}"]`);
			going = 0;
			if (link) {
				e.preventDefault();
				location.assign(link.href);
			}
			return;
		}
		going = e.key === "g" ? Date.now() + 1500 : 0;
		if (e.key === "?") {
			e.preventDefault();
			sheet();
			return;
		}
		const target = document.querySelector(`[data-key="${CSS.escape(e.key)}"]`);
		if (target) {
			e.preventDefault();
			if (target.nodeName === "INPUT") {
				target.focus();
				target.select();
			} else {
				target.click();
			}
		}
	});
}
