// The gallery of all jobs, the newest first.
import { $, empty, h, show } from "./dom.js";
import { choose } from "./choice.js";
import { tile, Pages } from "./gallery.js";
import { at, call } from "./http.js";

const PAGE = 48;
const gallery = $("gallery");
let round = 0; // a filter that changed makes earlier answers stale

const pages = new Pages($("more"), load, show);

async function load(cursor) {
  const mine = round;
  const query = new URLSearchParams({ limit: PAGE });
  for (const name of ["status", "text"]) if ($(name).value.trim()) query.set(name, $(name).value.trim());
  if (cursor) query.set("cursor", cursor);
  const page = await call(`v1/jobs?${query}`);
  if (mine !== round) return null;
  gallery.append(...page.jobs.map(tile));
  if (!gallery.children.length && !page.next_cursor) {
    gallery.append(empty($("text").value ? "Nothing matches." : "No picture here yet.", h("a", { class: "button", href: at("") }, "Paint some")));
  }
  return page.next_cursor;
}

function again(event) {
  event?.preventDefault();
  round += 1;
  pages.busy = false;
  gallery.replaceChildren();
  choose(false);
  pages.again();
}

$("filters").addEventListener("submit", again);
$("filters").addEventListener("change", again);
pages.load();
