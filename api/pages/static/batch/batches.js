// The list of batches, the newest first.
import { $, empty, h, many, number, show, time } from "../dom.js";
import { Pages } from "../gallery.js";
import { at, call } from "../http.js";
import { bar, nameOfBatch } from "./batch-progress.js";
import { repeat } from "../follow.js";

const PAGE = 20;
const REFRESH_SECONDS = 3;
const shown = new Map(); // the element of each batch that has not ended, by its id

async function load(cursor) {
  const page = await call(`v1/batches?limit=${PAGE}${cursor ? `&cursor=${cursor}` : ""}`);
  $("batches").append(...page.batches.map(item));
  if (!shown.size && !$("batches").children.length) {
    $("batches").append(empty("No batch yet.", h("a", { class: "button", href: at("") }, "Paint some pictures")));
  }
  return page.next_cursor;
}

function item(batch) {
  const line = h("li");
  fill(line, batch);
  return line;
}

function fill(line, batch) {
  const counts = [many(batch.total, "picture")];
  if (batch.counts.failed) counts.push(`${number(batch.counts.failed)} failed`);
  if (batch.rejected) counts.push(`${number(batch.rejected)} rejected`);
  const about = h("div", { class: "muted small" }, `${counts.join(", ")} · `, time(batch.created_at), batch.owner ? ` · ${batch.owner}` : "");
  const state = h("div", {}, h("div", { class: "progress-line" }, h("span", { class: `pill ${batch.status}` }, batch.status)), bar(batch));
  line.replaceChildren(h("a", { class: "card", href: at(`batches/${batch.id}`) }, h("div", {}, h("div", { class: "batch-name" }, nameOfBatch(batch)), about), state));
  if (batch.finished_at) shown.delete(batch.id);
  else shown.set(batch.id, line);
}

async function refresh() {
  for (const [id, line] of [...shown].slice(0, PAGE)) {
    try {
      fill(line, await call(`v1/batches/${id}`));
    } catch (error) {
      if (error.status === 404) line.remove();
      shown.delete(id);
    }
  }
}

await new Pages($("more"), load, show).load();
repeat(refresh, REFRESH_SECONDS);
