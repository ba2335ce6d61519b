// What pages do beyond their forms and links. Each module looks for what it is for,
// and a page works without any of them.
import { localise } from "./times.js";
import { follow } from "./live.js";
import { listen } from "./keys.js";
import { autosaves } from "./forms.js";
import { unfolds, slides, copies } from "./history.js";
import { joins } from "./join.js";
import { uploads, dropsAnywhere } from "./upload.js";

document.documentElement.classList.add("scripted");
localise(document);
document.querySelectorAll("[data-insecure]").forEach((e) => { e.hidden = window.isSecureContext; });
follow(document.querySelector("[data-live]"));
autosaves(document.querySelector("form[data-autosave]"));
joins(document.querySelector("form[data-join]"));
uploads(document.querySelector("form[data-upload]"));
dropsAnywhere();
unfolds(document);
slides(document.querySelector("form[data-slider]"));
document.querySelectorAll("[data-copy]").forEach(copies);
listen();
