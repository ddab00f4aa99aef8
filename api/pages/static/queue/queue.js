// The lanes, for everybody; charts, the list of workers and pausing, for operators.
import { $, bytes, doing, duration, h, number, show } from "../dom.js";
import { repeat } from "../follow.js";
import { call } from "../http.js";
import { isAdmin } from "../shell.js";
import { showCharts } from "./charts.js";

const REFRESH_SECONDS = 3;
const CHARTS_SECONDS = 15;
const admin = await isAdmin().catch(() => false);
let failing = false;

const refresh = repeat(look, REFRESH_SECONDS);
if (admin) {
  $("windows").append(...["hour", "day"].map(windowButton));
  const draw = repeat(() => lookBack().catch(show), CHARTS_SECONDS);
  $("windows").addEventListener("click", draw);
}

function windowButton(name) {
  const pressed = String(name === "hour");
  return h("button", { type: "button", data: { window: name }, "aria-pressed": pressed, onclick: (event) => choose(event.currentTarget) }, name === "hour" ? "Hour" : "Day");
}

async function lookBack() {
  const wanted = chosen();
  const stats = await call(`v1/stats?window=${wanted}`);
  if (wanted !== chosen()) return; // another was chosen meanwhile
  $("history").hidden = false;
  showCharts($("charts"), stats);
}

function chosen() {
  return $("windows").querySelector("[aria-pressed=true]").dataset.window;
}

function choose(button) {
  for (const each of $("windows").children) each.setAttribute("aria-pressed", String(each === button));
}

async function look() {
  try {
    const [queue, recent, workers] = await Promise.all([call("v1/queue"), admin && call("v1/queue/recent"), admin && call("v1/workers")]);
    showTiles(queue);
    keepFocus($("lanes"), queue.lanes.map(lane));
    if (admin) {
      showTable("recent", [["minute", recent.minute], ["quarter of an hour", recent.quarter_hour]].map(([name, period]) => ended(name, period)));
      showTable("workers", workers.workers.length ? workers.workers.map(worker) : [h("tr", {}, h("td", { colspan: "9", class: "muted" }, "No worker runs."))]);
    }
    if (failing) $("notice").replaceChildren();
    failing = false;
  } catch (error) {
    failing = true;
    show(error);
  }
}

function showTiles(queue) {
  const waiting = queue.lanes.reduce((sum, each) => sum + each.waiting + each.scheduled + each.dispatched, 0);
  const rate = (value) => (value === null ? "–" : value.toFixed(value < 10 ? 1 : 0));
  const found = { Waiting: number(waiting), "Being painted": number(queue.busy), Slots: number(queue.slots), Workers: number(queue.workers), "Pictures/s now": rate(queue.jobs_per_second), "Pictures/s at most": rate(queue.capacity_per_second) };
  $("tiles").replaceChildren(...Object.entries(found).map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

function lane(each) {
  const turn = each.paused ? "resume" : "pause";
  const button = admin && h("button", { type: "button", data: { key: `${each.lane}-${turn}` }, "aria-label": `${turn} the lane ${each.lane}`, onclick: doing(() => change(`v1/lanes/${each.lane}/${turn}`)) }, turn === "pause" ? "Pause" : "Resume");
  const state = h("div", { class: "row" }, each.paused && h("span", { class: "pill warn" }, "paused"), button);
  return h("tr", {}, h("th", { scope: "row" }, each.lane), cell(each.waiting + each.dispatched), cell(each.scheduled), cell(each.running + each.canceling), h("td", {}, each.oldest_seconds === null ? "–" : duration(each.oldest_seconds)), cell(each.workers), h("td", {}, state));
}

function ended(name, period) {
  const errors = Object.entries(period.failed).slice(0, 3).map(([code, count]) => `${code} (${number(count)})`);
  return h("tr", {}, h("th", { scope: "row" }, name), cell(period.ended_per_second.toFixed(2)), cell(period.ended.succeeded || 0), cell(period.ended.failed || 0), h("td", {}, errors.join(", ") || "–"));
}

function worker(each) {
  const { gpu, gpu_utilization: share = null, gpu_memory_used_bytes: used = null, gpu_memory_total_bytes: all } = each.engine || {};
  const inUse = share === null ? "–" : `${Math.round(100 * share)} %`;
  const memory = used === null ? "–" : `${bytes(used)} of ${bytes(all)}`;
  const drain = async () => {
    if (confirm(`Drain ${each.host}, process ${each.pid}? It finishes its jobs and ends. This cannot be undone.`)) await change(`v1/workers/${each.id}/drain`);
  };
  const state = each.draining ? h("span", { class: "pill warn" }, "draining") : h("button", { type: "button", data: { key: each.id }, "aria-label": `Drain the worker ${each.id}`, onclick: doing(drain) }, "Drain");
  return h("tr", {}, h("th", { scope: "row" }, `${each.host}, ${each.pid}`), h("td", {}, gpu ? `${each.device}, ${gpu}` : each.device), cell(inUse), cell(memory), h("td", {}, each.lanes.join(", ")), cell(`${each.busy} of ${each.slots}`), cell(each.rate === null ? "–" : each.rate.toFixed(1)), cell(each.rss_bytes === null ? "–" : bytes(each.rss_bytes)), h("td", {}, state));
}

const cell = (value) => h("td", { class: "number" }, typeof value === "number" ? number(value) : value);

function showTable(id, lines) {
  $(id).hidden = false;
  keepFocus($(id).querySelector("tbody"), lines);
}

// Replace rows; a button that had the focus has it again.
function keepFocus(body, lines) {
  const key = body.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  body.replaceChildren(...lines);
  if (key) body.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus();
}

async function change(path) {
  await call(path, { method: "POST" });
  await refresh();
}
