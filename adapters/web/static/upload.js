// Sends a file with its progress, from the form and from wherever on the page it is
// dropped. What the server says is wrong is said where the file was chosen.

const number = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 1 });

function megabytes(bytes) {
	return `${number.format(bytes / 1e6)} MB`;
}

function problem(form, fault) {
	const place = document.getElementById("upload-problem");
	const box = document.createElement("div");
	box.className = "callout bad";
	box.setAttribute("role", "alert");
	const text = document.createElement("div");
	const title = document.createElement("strong");
	title.textContent = "This file was not taken";
	const message = document.createElement("p");
	message.textContent = fault.message;
	text.append(title, message);
	if (fault.details?.length > 1) {
		const list = document.createElement("ul");
		for (const detail of fault.details.slice(0, 20)) {
			const item = document.createElement("li");
			item.textContent = detail.message;
			list.append(item);
		}
		text.append(list);
	}
	box.append(text);
	place.replaceChildren(box);
	form.querySelector("[data-sending]").hidden = true;
	form.querySelector("button.primary").disabled = false;
}

function read(request) {
	try {
		return JSON.parse(request.responseText);
	} catch {
		return {};
	}
}

function send(form, file) {
	const body = new FormData();
	body.append("events", "on");
	if (!form.elements.events?.checked) {
		body.delete("events");
	}
	for (const name of ["corrects", "instead"]) {
		if (form.elements[name]?.value) {
			body.append(name, form.elements[name].value);
		}
	}
	body.append("file", file);

	const sending = form.querySelector("[data-sending]");
	const bar = sending.querySelector("progress"), text = sending.querySelector("[data-sending-text]");
	sending.querySelector("[data-sending-name]").textContent = file.name;
	sending.hidden = false;
	form.querySelector("button.primary").disabled = true;
	document.getElementById("upload-problem").replaceChildren();

	const request = new XMLHttpRequest(); // fetch does not tell how much is sent
	request.upload.addEventListener("progress", (e) => {
		bar.value = e.total ? (100 * e.loaded) / e.total : 0;
		text.textContent = e.loaded < e.total ? `${megabytes(e.loaded)} of ${megabytes(e.total)}` : "is sent. Checking every row …";
	});
	request.addEventListener("load", () => {
		const answer = read(request);
		if (request.status === 201 && answer.location) {
			location.assign(answer.location);
			return;
		}
		problem(form, answer.error ?? { message: `The server answered ${request.status}. Try again in a moment.` });
	});
	request.addEventListener("error", () => problem(form, { message: "The connection broke off. Nothing was kept; send the file again." }));
	request.open("POST", form.action);
	request.setRequestHeader("Accept", "application/json");
	request.send(body);
}

export function uploads(form) {
	form?.addEventListener("submit", (e) => {
		const file = form.elements.file.files[0];
		if (file) {
			e.preventDefault();
			send(form, file);
		}
	});
}

// dropsAnywhere takes a file that is dropped on the page: the form of the page sends
// it, and a page without one goes to where there is one.
export function dropsAnywhere() {
	const form = document.querySelector("form[data-upload]");
	if (!form && !document.querySelector("[data-takes-drops]")) {
		return;
	}
	let veil = null, depth = 0;
	const hasFile = (e) => e.dataTransfer?.types.includes("Files");
	const lift = () => {
		depth = 0;
		veil?.remove();
		veil = null;
	};
	addEventListener("dragenter", (e) => {
		if (hasFile(e) && ++depth === 1) {
			veil = document.createElement("div");
			veil.className = "veil";
			const text = document.createElement("div");
			text.textContent = form?.dataset.drop ?? "Drop the file to import it";
			veil.append(text);
			document.body.append(veil);
		}
	});
	addEventListener("dragleave", (e) => {
		if (hasFile(e) && --depth <= 0) {
			lift();
		}
	});
	addEventListener("dragover", (e) => {
		if (hasFile(e)) {
			e.preventDefault();
		}
	});
	addEventListener("drop", async (e) => {
		if (!hasFile(e)) {
			return;
		}
		e.preventDefault();
		lift();
		const file = e.dataTransfer.files[0];
		if (!file) {
			return;
		}
		const here = form ?? await borrow();
		send(here, file);
	});
}

// borrow puts the form of the page of new imports into this one.
async function borrow() {
	const answer = await fetch("/imports/new", { headers: { Accept: "text/html" } });
	const page = new DOMParser().parseFromString(await answer.text(), "text/html");
	const main = document.getElementById("main");
	main.replaceChildren(...document.importNode(page.getElementById("main"), true).childNodes);
	history.pushState(null, "", "/imports/new");
	document.title = page.title;
	const form = main.querySelector("form[data-upload]");
	uploads(form);
	return form;
}
