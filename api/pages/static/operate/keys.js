// API keys: all of them, a new one, and the end of one.
import { $, doing, h, show, time } from "../dom.js";
import { call } from "../http.js";
import { admitted } from "./admission.js";

const HINTS = {
  user: "user: everything with its owner's jobs, batches and webhooks.",
  admin: "admin: everything, for every owner, and these pages.",
  viewer: "viewer: reads its owner's jobs and batches and changes nothing.",
  metrics: "metrics: reads metrics and the queue's counts, and no job.",
};
const me = await admitted("admin");
const form = $("new").elements;

function row(key) {
  const expires = key.expires_at ? [time(key.expires_at), key.expired && " (expired)"] : ["never"];
  const revoke = doing(async () => {
    const own = key.id === me.key_id ? " You use it now: your session ends with it." : "";
    if (!confirm(`Revoke the key ${key.id} of ${key.owner}? Programs that use it are refused.${own}`)) return;
    await call(`v1/keys/${key.id}`, { method: "DELETE" });
    line.remove();
    showNone();
  });
  const button = h("button", { type: "button", class: "danger", "aria-label": `Revoke the key ${key.id} of ${key.owner}`, onclick: revoke }, "Revoke");
  const line = h("tr", {}, h("th", { scope: "row" }, h("code", {}, key.id), key.name && h("small", {}, key.name)), h("td", {}, key.owner), h("td", {}, key.scope), h("td", { data: { label: "lanes" } }, key.lanes ? key.lanes.join(", ") : "all"), h("td", { data: { label: "created" } }, time(key.created_at)), h("td", { data: { label: "expires" } }, expires), h("td", { data: { label: "last used" } }, key.last_used_at ? time(key.last_used_at) : "never"), h("td", {}, h("div", { class: "row" }, button)));
  return line;
}

function showNone() {
  if ($("keys").children.length) return;
  $("keys").append(h("tr", { data: { none: "" } }, h("td", { colspan: "8", class: "muted" }, "No key yet: the service serves its own machine, and needs none there.")));
}

function settle() {
  const submits = ["user", "admin"].includes(form.scope.value);
  $("lanes").hidden = !submits;
  $("day").hidden = form.span.value !== "day";
  $("scope-hint").textContent = HINTS[form.scope.value];
}

function wanted() {
  const lanes = [...form.lane].filter((box) => box.checked).map((box) => box.value);
  const some = !$("lanes").hidden && lanes.length < form.lane.length;
  const expires = form.span.value === "day" ? form.day.value : form.span.value;
  return { owner: form.owner.value.trim(), scope: form.scope.value, name: form.name.value.trim(), ...(some ? { lanes } : {}), ...(expires ? { expires } : {}) };
}

async function make() {
  $("new-error").textContent = "";
  form.owner.removeAttribute("aria-invalid");
  try {
    const made = await call("v1/keys", { method: "POST", json: wanted() });
    for (const none of $("keys").querySelectorAll("[data-none]")) none.remove();
    $("keys").append(row(made)); // without another request: the first key closes the service to this page
    $("made-title").textContent = `The new ${made.scope} key of ${made.owner}`;
    $("secret").value = made.key;
    $("first").hidden = !made.first;
    $("made").hidden = false;
    $("new").reset();
    settle();
    $("made-title").focus();
  } catch (error) {
    $("new-error").textContent = error.message;
    if (error.pointer === "/owner") {
      form.owner.setAttribute("aria-invalid", "true");
      form.owner.focus();
    }
  }
}

async function copy() {
  $("secret").select();
  try {
    await navigator.clipboard.writeText($("secret").value);
    $("copy").textContent = "Copied";
  } catch {
    $("copy").textContent = "Press Ctrl+C"; // browsers have no clipboard for pages without TLS
  }
}

$("new").addEventListener("submit", (event) => {
  event.preventDefault();
  make();
});
$("new").addEventListener("change", settle);
$("copy").addEventListener("click", copy);
settle();
try {
  const { keys } = await call("v1/keys");
  $("keys").append(...keys.map(row));
  if (!keys.length) form.scope.value = "admin"; // or nobody could make the next one here
  settle();
  showNone();
} catch (error) {
  show(error);
}
