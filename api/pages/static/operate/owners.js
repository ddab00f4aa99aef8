// Each owner's use of the service and its limits, for admins.
import { $, bytes, doing, duration, h, number, show } from "../dom.js";
import { repeat } from "../follow.js";
import { call } from "../http.js";
import { admitted } from "./admission.js";

const REFRESH_SECONDS = 5;
const PAGE = 50;
let pages = 1; // of the list that are shown
let failing = false;

await admitted("admin");
const refresh = repeat(look, REFRESH_SECONDS);
for (const button of $("owners").querySelectorAll("[data-period]")) button.addEventListener("click", () => choose(button));
$("more").firstElementChild.addEventListener("click", doing(async () => { pages += 1; await refresh(); }));
$("cancel").addEventListener("click", () => $("limits").close());
$("limits").querySelector("form").addEventListener("submit", save);

function choose(button) {
  for (const each of button.parentElement.children) each.setAttribute("aria-pressed", String(each === button));
  refresh();
}

async function look() {
  try {
    const owners = [];
    let cursor = null;
    for (let page = 0; page < pages && (page === 0 || cursor); page++) {
      const found = await call(`v1/owners?limit=${PAGE}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`);
      owners.push(...found.owners);
      cursor = found.next_cursor;
    }
    $("owners").hidden = false;
    $("more").hidden = !cursor;
    const period = $("owners").querySelector("[aria-pressed=true]").dataset.period;
    draw(owners.length ? owners.map((owner) => row(owner, owner[period])) : [h("tr", {}, h("td", { colspan: "11", class: "muted" }, "Nobody has a key or a job."))]);
    if (failing) $("notice").replaceChildren();
    failing = false;
  } catch (error) {
    failing = true;
    show(error);
  }
}

// Replace the rows; a button that had the focus has it again.
function draw(lines) {
  const body = $("rows");
  const key = body.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  body.replaceChildren(...lines);
  if (key) body.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus();
}

function row(owner, took) {
  const jobs = took.succeeded + took.failed + took.canceled + took.expired;
  const running = owner.most_running ? `${number(owner.running)} of ${number(owner.most_running)}` : number(owner.running);
  const edit = h("button", { type: "button", data: { key: owner.owner }, "aria-label": `Limits of ${owner.owner}`, onclick: () => open(owner) }, "Limits");
  return h("tr", {}, h("th", { scope: "row" }, owner.owner), cell(`${number(owner.waiting)} of ${number(owner.most_waiting)}`), cell(running), cell(jobs), cell(took.failed), cell(duration(took.device_seconds)), cell(bytes(took.bytes_in)), cell(bytes(took.bytes_out)), h("td", {}, stored(owner)), cell(owner.keys), h("td", {}, edit));
}

function stored({ owner, stored_bytes: used, most_stored_bytes: most }) {
  const text = `${bytes(used)} of ${bytes(most)}`;
  return [h("meter", { min: 0, max: most, high: 0.9 * most, value: Math.min(used, most), "aria-label": `Storage of ${owner}: ${text}` }), h("span", { class: "small" }, text)];
}

const cell = (value) => h("td", { class: "number" }, typeof value === "number" ? number(value) : value);

function open(owner) {
  $("limits-title").textContent = `Limits of ${owner.owner}`;
  $("limits").dataset.owner = owner.owner;
  $("max-running").value = owner.limits.max_running ?? "";
  $("max-waiting").value = owner.limits.max_waiting ?? "";
  $("wrong").textContent = "";
  $("limits").showModal();
}

async function save(event) {
  event.preventDefault();
  const limit = (id) => ($(id).value === "" ? null : Number($(id).value));
  const json = { max_running: limit("max-running"), max_waiting: limit("max-waiting") };
  try {
    await call(`v1/owners/${encodeURIComponent($("limits").dataset.owner)}/limits`, { method: "PUT", json });
  } catch (error) {
    $("wrong").textContent = error.message;
    return;
  }
  $("limits").close();
  await refresh();
}
