// Times come in UTC; people read them in their own zone.
const exact = new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeStyle: "long" });
const clock = new Intl.DateTimeFormat("en-GB", { timeStyle: "short" });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const date = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });

function short(at, now) {
	if (at.getFullYear() !== now.getFullYear()) {
		return date.format(at);
	}
	return at.toDateString() === now.toDateString() ? clock.format(at) : day.format(at);
}

// local is a time's text: the whole of it where the page asks for that.
function local(time, now) {
	const at = new Date(time.dateTime);
	return { text: time.dataset.form === "exact" ? exact.format(at) : short(at, now), title: exact.format(at) };
}

export function localise(root) {
	const now = new Date();
	for (const time of root.querySelectorAll("time[datetime]")) {
		const { text, title } = local(time, now);
		time.textContent = text;
		time.title = title;
	}
}
