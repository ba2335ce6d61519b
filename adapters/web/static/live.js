// Keeps a part of the page current. The server streams it whenever it changes; where
// streams do not get through, the page is asked for again every few seconds.
import { morph } from "./morph.js";
import { localise } from "./times.js";

const retryAfter = 2000;
const refreshEvery = 4000;

function show(part, html) {
	const made = new DOMParser().parseFromString(html, "text/html");
	localise(made);
	morph(part, made.body.innerHTML);
	part.dispatchEvent(new CustomEvent("shown", { bubbles: true }));
}

async function refresh(part) {
	const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
	if (!answer.ok) {
		return;
	}
	const page = new DOMParser().parseFromString(await answer.text(), "text/html");
	const anew = page.getElementById(part.id);
	if (anew) {
		show(part, anew.innerHTML);
	}
}

export function follow(part) {
	if (!part) {
		return;
	}
	let source = null, timer = 0, ended = false, failures = 0;

	function stop() {
		source?.close();
		source = null;
		clearTimeout(timer);
	}

	function again() {
		stop();
		failures++;
		timer = setTimeout(async () => {
			if (failures > 2) {
				await refresh(part).catch(() => {});
			}
			start();
		}, failures > 2 ? refreshEvery : retryAfter);
	}

	function start() {
		stop();
		if (ended || document.hidden) {
			return; // a page that nobody sees holds no connection
		}
		source = new EventSource(part.dataset.live);
		source.addEventListener("part", (e) => {
			failures = 0;
			show(part, e.data);
		});
		source.addEventListener("bell", (e) => {
			const bell = document.getElementById("bell");
			if (bell && bell !== part) {
				show(bell, e.data);
			}
		});
		source.addEventListener("end", () => {
			ended = true;
			stop();
			const bell = document.getElementById("bell");
			if (bell && bell !== part) { // it tells of the end that has just been seen
				bell.dataset.live = "/notifications/bell";
				follow(bell);
			}
		});
		source.addEventListener("error", again);
	}

	document.addEventListener("visibilitychange", start);
	addEventListener("pagehide", stop);
	addEventListener("pageshow", (e) => { if (e.persisted) { start(); } });
	start();
}
