// Deliveries of webhooks, their attempts, and sending them again.
import { $, doing, h, many, number, time } from "../dom.js";
import { at, call, patient } from "../http.js";
import { admitted } from "./admission.js";
import { List } from "./list.js";

const admin = (await admitted("user", "admin")).scope === "admin";
const failed = new Set(); // ids of the failed ones shown
const list = new List("v1/webhooks/deliveries", "deliveries", row, { nothing: "No delivery matches.", changed: showAgain });
const path = (delivery, step = "") => `v1/webhooks/deliveries/${delivery.id}${step}`;

function row(delivery) {
  if (delivery.status === "failed") failed.add(delivery.id);
  else failed.delete(delivery.id);
  const subject = delivery.job_id ? `jobs/${delivery.job_id}` : delivery.batch_id && `batches/${delivery.batch_id}`;
  const event = subject ? h("a", { href: at(subject) }, delivery.type) : delivery.type;
  const last = delivery.last_attempt;
  const send = doing(async () => {
    const [fresh] = row(await call(path(delivery, "/redeliver"), { method: "POST" }));
    if (line.nextElementSibling?.matches(".attempts")) line.nextElementSibling.remove();
    line.replaceWith(fresh);
    fresh.querySelector("button").focus();
    showAgain();
  });
  const log = h("button", { type: "button", class: "quiet", "aria-expanded": "false", "aria-label": `Attempts of ${delivery.id}`, onclick: doing(() => toggle(delivery, line, log)) }, number(delivery.attempts));
  const again = h("button", { type: "button", "aria-label": `Send ${delivery.id} again`, onclick: send }, "Send again");
  const line = h("tr", {}, h("th", { scope: "row" }, time(delivery.created_at)), h("td", {}, event), admin && h("td", {}, delivery.owner), h("td", { class: "long", title: delivery.url }, delivery.url), h("td", {}, h("span", { class: `pill ${delivery.status === "delivered" ? "good" : delivery.status}` }, delivery.status)), h("td", { data: { label: "attempts" } }, log), h("td", { class: "long", data: { label: "last response" } }, last ? last.reason || last.status_code : "–"), h("td", {}, h("div", { class: "row" }, again)));
  return [line];
}

// Show or hide the attempts below their delivery.
async function toggle(delivery, line, button) {
  const open = button.getAttribute("aria-expanded") === "true";
  button.setAttribute("aria-expanded", String(!open));
  if (open) return line.nextElementSibling.remove();
  const { log, next_attempt_at: next } = await call(path(delivery));
  const lines = log.map((each) => h("li", {}, time(each.at), ` · ${number(Math.round(each.duration_ms))} ms · ${each.reason || each.status_code}`, each.answer ? ` · ${each.answer}` : ""));
  if (next) lines.push(h("li", {}, "next attempt ", time(next)));
  line.after(h("tr", { class: "attempts" }, h("td", { colspan: "8" }, h("ul", {}, ...(lines.length ? lines : [h("li", {}, "No attempt yet.")])))));
}

function showAgain() {
  $("again").hidden = !failed.size;
  $("again").textContent = `Send ${many(failed.size, "failed one")} again`;
}

$("again").addEventListener("click", doing(async () => {
  for (const id of [...failed]) await patient(() => call(path({ id }, "/redeliver"), { method: "POST" }), true);
  failed.clear();
  await list.again();
}));
$("filters").addEventListener("submit", () => failed.clear(), { capture: true });
list.again();
