// A folded line loads its events when it is opened; the slider shows how the import
// stood while it is moved; recorded JSON can be copied.
import { morph } from "./morph.js";
import { localise } from "./times.js";

async function part(address, id) {
	const answer = await fetch(address, { headers: { Accept: "text/html" } });
	if (!answer.ok) {
		return null;
	}
	const page = new DOMParser().parseFromString(await answer.text(), "text/html");
	localise(page);
	const found = page.getElementById(id);
	const next = page.querySelector('.pages a[rel="next"]');
	return found && { found, next };
}

// folded is what a line held before it was opened.
const folded = new WeakMap();

async function unfold(details) {
	const loaded = await part(details.dataset.load, "lines");
	if (!loaded || !details.open || folded.has(details)) {
		return; // the link to the events stays
	}
	const more = details.querySelector("p");
	folded.set(details, more);
	const list = document.importNode(loaded.found, true);
	list.removeAttribute("id");
	const after = more.cloneNode(true);
	more.replaceWith(list);
	if (loaded.next) {
		after.querySelector("a").href = loaded.next.getAttribute("href");
		after.querySelector("a").textContent = "Show the events after these";
		list.after(after);
	}
}

// fold lets go of the events of a line that is closed, by its reader or because another
// was opened: the page stays small however much somebody looks at.
function fold(details) {
	const more = folded.get(details);
	if (more) {
		folded.delete(details);
		details.replaceChildren(details.querySelector("summary"), more);
	}
}

export function unfolds(root) {
	root.addEventListener("toggle", (e) => {
		const details = e.target;
		if (!details.dataset?.load) {
			return;
		}
		if (details.open) {
			unfold(details).catch(() => {});
		} else {
			fold(details);
		}
	}, true);
}

export function slides(form) {
	if (!form) {
		return;
	}
	const range = form.elements.revision, output = form.querySelector("output");
	const number = new Intl.NumberFormat("en-GB");
	let timer = 0, newest = 0;
	async function show() {
		const mine = ++newest;
		const loaded = await part(`${form.action}?revision=${range.value}`, "stood");
		if (loaded && mine === newest) {
			morph(document.getElementById("stood"), loaded.found.innerHTML);
		}
	}
	range.addEventListener("input", () => {
		output.textContent = number.format(range.value);
		clearTimeout(timer);
		timer = setTimeout(() => show().catch(() => {}), 120);
	});
}

export function copies(button) {
	if (!navigator.clipboard) { // of a page that came without encryption
		button.hidden = true;
		return;
	}
	button.addEventListener("click", async () => {
		await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
		button.querySelector("span").textContent = "Copied";
	});
}
