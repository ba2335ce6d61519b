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

async function unfold(details) {
	const loaded = await part(details.dataset.load, "lines");
	if (!loaded) {
		return; // the link to the events stays
	}
	delete details.dataset.load;
	const list = document.importNode(loaded.found, true);
	list.removeAttribute("id");
	const more = details.querySelector("p");
	more.before(list);
	if (loaded.next) {
		more.querySelector("a").href = loaded.next.getAttribute("href");
		more.querySelector("a").textContent = "Show the events after these";
	} else {
		more.remove();
	}
}

export function unfolds(root) {
	root.addEventListener("toggle", (e) => {
		const details = e.target;
		if (details.open && details.dataset?.load) {
			unfold(details).catch(() => {});
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
