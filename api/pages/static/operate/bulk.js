// Bulk actions: count all jobs that match, confirm the count, and follow the action to its end.
import { $, doing, h, many, number, show, time } from "../dom.js";
import { call, patient, pause } from "../http.js";
import { repeat } from "../follow.js";

const REFRESH_SECONDS = 3;
const MOST_DONE = 10; // actions in the list
const REST_SECONDS = 0.5; // while another process does a step
const WORDS = { cancel: ["Cancel", "canceled"], retry: ["Retry", "queued again"], delete: ["Delete", "deleted"] };
const OPEN = ["counting", "running"];
const path = (action, step = "") => `v1/bulk-actions/${action.id}${step && `/${step}`}`;
const verb = (action) => WORDS[action.action][0];

const dialog = $("dialog");
let shown = null; // the action in the dialog
let ended = () => {};

// Call `done` after an action that was followed here has changed jobs.
export function watchBulk(done) {
  ended = done;
  repeat(list, REFRESH_SECONDS);
}

// Count the jobs of the owner that meet the conditions, and ask whether to act on them.
export async function beginBulk(action, conditions, owner) {
  const query = owner ? `?owner=${encodeURIComponent(owner)}` : "";
  const found = await call(`v1/bulk-actions${query}`, { method: "POST", json: { action, filter: conditions } });
  await open(found);
}

async function open(action) {
  shown = action.id;
  $("dialog-actions").replaceChildren();
  dialog.showModal();
  draw(action);
  await advance(action);
}

// Do step by step what the action's status allows, as long as the dialog shows it. Workers go on without.
async function advance(action) {
  const watched = () => dialog.open && shown === action.id;
  try {
    while (OPEN.includes(action.status) && watched()) {
      const later = await patient(() => call(path(action, "advance"), { method: "POST" }), true);
      if (JSON.stringify(later) === JSON.stringify(action)) await pause(REST_SECONDS);
      action = later;
      if (watched()) draw(action);
    }
  } catch (error) {
    dialog.close(); // it would hide the error
    throw error;
  }
  if (action.status === "done") ended();
  await list();
}

function draw(action) {
  $("dialog-title").textContent = `${verb(action)} all jobs that match`;
  $("dialog-body").replaceChildren(h("p", {}, inWords(action)), ...state(action));
  const buttons = {
    counting: [later()],
    counted: action.matched ? [remove(action, "Do nothing"), confirmation(action)] : [remove(action, "Close")],
    running: [later()],
    done: [h("button", { type: "button", class: "primary", onclick: () => dialog.close() }, "Close")],
  }[action.status];
  const same = buttons.map((each) => each.textContent).join() === [...$("dialog-actions").children].map((each) => each.textContent).join();
  if (same) return; // else the focus would be lost with each step
  $("dialog-actions").replaceChildren(...buttons);
  (action.action === "delete" ? buttons[0] : buttons.at(-1)).focus();
}

function state(action) {
  const words = h("p", { class: "strong", role: "status" }, progress(action));
  if (action.status === "counting") return [words, h("progress", { "aria-label": "Counting" })];
  if (action.status !== "running") return [words];
  const note = h("p", { class: "muted small" }, "It goes on by itself if you close this.");
  return [words, h("progress", { value: action.looked, max: action.matched, "aria-label": "Progress" }), note];
}

function progress(action) {
  const done = WORDS[action.action][1];
  if (action.status === "counting") return `Counting: ${many(action.matched, "job")} so far`;
  if (action.status === "counted") return action.matched ? `${many(action.matched, "job")} can be ${done}` : `No job that matches can be ${done}`;
  return `${number(action.changed)} of ${many(action.matched, "job")} ${done}`;
}

function confirmation(action) {
  const confirm = doing(async () => {
    const begun = await call(path(action, "confirm"), { method: "POST", json: { count: action.matched } }).catch((error) => {
      dialog.close();
      throw error;
    });
    draw(begun);
    await advance(begun);
  });
  return h("button", { type: "button", class: action.action === "delete" ? "danger" : "primary", onclick: confirm }, `${verb(action)} ${many(action.matched, "job")}`);
}

function remove(action, name) {
  const run = doing(async () => {
    await call(path(action), { method: "DELETE" });
    if (dialog.open) dialog.close();
    await list();
  });
  return h("button", { type: "button", data: { key: `${action.id} ${name}` }, onclick: run }, name);
}

const later = () => h("button", { type: "button", onclick: () => dialog.close() }, "Close");

async function list() {
  try {
    const { bulk_actions: all } = await call("v1/bulk-actions");
    const found = [...all.filter((each) => each.status !== "done"), ...all.filter((each) => each.status === "done").slice(0, MOST_DONE)];
    const focused = document.activeElement?.dataset.key;
    $("bulk").replaceChildren(...(found.length ? found.map(line) : [h("li", { class: "muted" }, "None.")]));
    if (focused && $("bulk").contains(document.activeElement) === false) $("bulk").querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  } catch (error) {
    show(error);
  }
}

function line(action) {
  const about = h("div", { class: "about" }, h("div", {}, h("span", { class: "strong" }, `${verb(action)}: ${progress(action)}`)), h("div", { class: "muted small" }, inWords(action), " · ", time(action.created_at)));
  const next = { counting: "Continue", counted: "Continue", running: "Watch" }[action.status];
  const button = next && h("button", { type: "button", data: { key: `${action.id} ${next}` }, "aria-label": `${next} ${verb(action)}, ${inWords(action)}`, onclick: doing(() => open(action)) }, next);
  const stop = h("button", { type: "button", data: { key: `${action.id} stop` }, "aria-label": `${next ? "Stop" : "Forget"} ${verb(action)}, ${inWords(action)}`, onclick: doing(() => call(path(action), { method: "DELETE" }).then(list)) }, next ? "Stop" : "Forget");
  return h("li", {}, about, h("div", { class: "actions" }, button, stop));
}

function inWords(action) {
  const given = Object.entries(action.filter).filter(([, value]) => value !== null);
  const of = action.of === "*" ? "all owners" : action.of;
  return `Jobs of ${of}${given.length ? ` with ${given.map(([name, value]) => `${name.replaceAll("_", " ")} ${value}`).join(", ")}` : ""}`;
}
