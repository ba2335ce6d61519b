// Forms that save themselves while one fills them in, so that going away loses
// nothing, and that show at once what the server finds wrong.
import { morph } from "./morph.js";

const pause = 350;

// show takes over what the server says about the form, and leaves its fields alone.
function show(form, page) {
	for (const here of document.querySelectorAll("[data-fresh][id]")) {
		const anew = page.getElementById(here.id);
		if (anew) {
			morph(here, anew.innerHTML);
		}
	}
	for (const field of form.querySelectorAll("select[name]")) {
		const anew = page.getElementsByName(field.name)[0];
		for (const name of ["aria-invalid", "aria-describedby"]) {
			if (anew?.hasAttribute(name)) {
				field.setAttribute(name, anew.getAttribute(name));
			} else {
				field.removeAttribute(name);
			}
		}
	}
}

function body(form) {
	const all = new URLSearchParams(new FormData(form));
	all.set("go", "stay");
	return all;
}

export function autosaves(form) {
	if (!form) {
		return;
	}
	let timer = 0, dirty = false, newest = 0;
	async function save() {
		clearTimeout(timer);
		dirty = false;
		const mine = ++newest;
		const answer = await fetch(form.action, { method: "POST", body: body(form), headers: { Accept: "text/html" } });
		if (answer.ok && mine === newest) {
			show(form, new DOMParser().parseFromString(await answer.text(), "text/html"));
		}
	}
	function soon() {
		dirty = true;
		clearTimeout(timer);
		timer = setTimeout(() => save().catch(() => { dirty = true; }), pause);
	}
	form.addEventListener("change", soon);
	form.addEventListener("input", soon);
	form.addEventListener("submit", () => {
		clearTimeout(timer);
		dirty = false;
	});
	addEventListener("pagehide", () => {
		if (dirty) {
			navigator.sendBeacon(form.action, body(form));
		}
	});
}
