// A batch: its progress, its pictures as they end, and what can be done with it.
import "../choice.js";
import { actionsThat, showActions } from "../actions.js";
import { $, duration, h, many, number, say, show } from "../dom.js";
import { follow } from "../follow.js";
import { Pages, waitingTile } from "../gallery.js";
import { at, call, rows } from "../http.js";
import { ORDER, nameOfBatch, parts } from "./batch-progress.js";
import { mayChange } from "../shell.js";
import { laneChoice } from "./lane.js";
import { PAGE, Shelves } from "./shelves.js";

const PATH = `v1/batches/${encodeURIComponent(document.documentElement.dataset.record)}`;
const MOST_WAITING_TILES = 6;
const MOST_FAILURES = 1000; // read to group them by code
const RATE_MS = 15000; // over which the rate is taken
const SOON_MS = 700; // between two looks for new pictures

const gallery = $("gallery");
const rowsAfter = (cursor, limit) => rows(`${PATH}/results?limit=${limit}&after=${cursor}`);
const shelves = new Shelves(gallery, rowsAfter, show);
const changing = await mayChange().catch(() => false);
let batch = null;
let ends = []; // [milliseconds, finished jobs] of the last seconds
let failuresRead = 0;
let looking = null;

const showLane = changing ? laneChoice(PATH, update) : () => {};
const pages = new Pages($("more"), load, show);
const action = actionsThat((found) => {
  update(found);
  changes.again();
});
const changes = follow(PATH, "batch", update, show);

// Append the pictures that ended after `cursor`; at the end of a running batch, wait there for the next ones.
async function load(cursor) {
  const found = await rowsAfter(cursor || 0, PAGE);
  shelves.append(found, cursor || 0);
  const next = found.length ? found.at(-1).cursor : cursor || 0;
  if (found.length === PAGE) return next;
  pages.end = next;
  return null;
}

function lookForMore() {
  if (looking || !pages.done) return; // more is known than shown: the reader scrolls there
  looking = setTimeout(async () => {
    looking = null;
    Object.assign(pages, { done: false, cursor: pages.end });
    await pages.load();
    placeWaiting();
  }, SOON_MS);
}

function placeWaiting() {
  for (const each of gallery.querySelectorAll(".waiting[aria-hidden]")) each.remove();
  if (!batch || batch.finished_at || !pages.done) return;
  const left = Math.min(batch.total - batch.progress.finished, MOST_WAITING_TILES);
  shelves.end.append(...Array.from({ length: left }, waitingTile));
}

function update(found) {
  const before = batch;
  batch = found;
  $("name").textContent = nameOfBatch(batch);
  document.title = `${nameOfBatch(batch)} · stylequeue`;
  showProgress();
  showActions($("actions"), actions());
  showLane(batch);
  showRejected();
  if (batch.counts.failed !== failuresRead) showFailures();
  if (!before) pages.load().then(placeWaiting);
  else if (batch.progress.finished !== before.progress.finished) lookForMore();
  else placeWaiting();
}

function showProgress() {
  const { finished, fraction } = batch.progress;
  const percent = Math.round(fraction * 100);
  $("status").className = `pill ${batch.status}`;
  $("status").textContent = batch.status;
  $("numbers").textContent = `${number(finished)} of ${number(batch.total)} finished`;
  $("speed").textContent = speed(finished);
  $("bar").setAttribute("aria-valuenow", percent);
  $("bar").replaceChildren(...parts(batch));
  const counted = ORDER.filter((status) => batch.counts[status]);
  $("legend").replaceChildren(...counted.map((status) => h("li", {}, h("b", {}, number(batch.counts[status])), ` ${status}`)));
  $("error").textContent = batch.error ? batch.error.detail : "";
  say(`${number(finished)} of ${number(batch.total)} pictures finished`, { now: Boolean(batch.finished_at) });
}

function speed(finished) {
  if (batch.finished_at) return `took ${duration((new Date(batch.finished_at) - new Date(batch.created_at)) / 1000)}`;
  const now = performance.now();
  ends = [...ends.filter(([then]) => now - then < RATE_MS), [now, finished]];
  const [then, earlier] = ends[0];
  const rate = now - then > 2000 ? ((finished - earlier) * 1000) / (now - then) : 0;
  const words = rate ? [`${rate.toFixed(rate < 10 ? 1 : 0)} pictures/s`] : [];
  if (batch.queue?.reason) words.push(batch.queue.reason);
  else if (batch.queue?.eta_seconds) words.push(`about ${duration(batch.queue.eta_seconds.p50)} left`);
  return words.join(" · ");
}

function actions() {
  const made = batch.counts.succeeded;
  const open = !batch.finished_at;
  const failed = batch.counts.failed + batch.counts.expired;
  return [
    made && h("a", { class: "button", href: at(`${PATH}/archive`), download: "" }, "Download ZIP"),
    changing && failed && action("Retry failed", () => call(`${PATH}/retry`, { method: "POST", json: { only: failed === batch.counts.failed ? "failed" : "all" } })),
    changing && open && !batch.cancel_requested_at && action("Cancel", () => call(`${PATH}/cancel`, { method: "POST" }), "danger"),
    changing && !open && action("Delete", remove, "danger"),
  ].filter(Boolean);
}

async function remove() {
  if (!confirm(`Delete this batch with its ${many(batch.total, "job")} and their pictures?`)) return null;
  await call(PATH, { method: "DELETE" });
  location.assign(at("batches"));
  return null;
}

function showRejected() {
  $("rejected").hidden = !batch.rejected;
  const lines = batch.rejected_lines.map((line) =>
    h("tr", {}, h("td", {}, String(line.line)), h("td", {}, line.custom_id || ""), h("td", {}, `${line.detail} `, h("code", {}, line.pointer || line.code))),
  );
  $("rejected").querySelector("tbody").replaceChildren(...lines);
  const rest = batch.rejected - batch.rejected_lines.length;
  $("rejected-note").textContent = rest > 0 ? `and ${many(rest, "more line", "more lines")}` : "";
}

async function showFailures() {
  failuresRead = batch.counts.failed;
  $("failures").hidden = !failuresRead;
  if (!failuresRead) return;
  const found = await rows(`${PATH}/results?status=failed&limit=${MOST_FAILURES}`).catch(() => []);
  const jobs = new Map(found.map((row) => [row.job_id, row]));
  const groups = Map.groupBy(jobs.values(), (row) => row.error.code);
  const lines = [...groups].sort(([, one], [, other]) => other.length - one.length).map(([code, group]) => {
    const example = h("a", { href: at(`jobs/${group[0].job_id}`) }, group[0].custom_id || `line ${group[0].line}`);
    return h("tr", {}, h("td", {}, h("code", {}, code)), h("td", {}, number(group.length)), h("td", {}, example, ` ${group[0].error.detail}`));
  });
  $("failures").querySelector("tbody").replaceChildren(...lines);
  $("failures-note").textContent = found.length === MOST_FAILURES ? `among the first ${number(MOST_FAILURES)} failures` : "";
}
