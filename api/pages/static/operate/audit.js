// The audit log, the newest entry first.
import { h } from "../dom.js";
import { at } from "../http.js";
import { admitted } from "./admission.js";
import { List } from "./list.js";

await admitted("user", "admin");
new List("v1/audit", "entries", row, { nothing: "No entry matches." }).again();

const WHEN = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit" });

function row(entry) {
  const when = h("time", { datetime: entry.at, title: entry.at }, WHEN.format(new Date(entry.at)));
  const details = Object.entries(entry.details).map(([name, value]) => `${name} ${value}`).join(", ");
  const owner = entry.owner && entry.owner !== "*" ? entry.owner : entry.owner && "all owners";
  return h("tr", {}, h("th", { scope: "row" }, when), h("td", {}, entry.action.replaceAll("-", " ")), h("td", { data: { label: "by" } }, ...who(entry.actor)), h("td", { data: { label: "of" } }, subject(entry), owner && h("small", {}, `of ${owner}`)), h("td", { class: "long", title: details }, details || "–", entry.request_id && h("small", {}, entry.request_id)));
}

function who(actor) {
  if (!actor) return ["an operator"];
  if (actor.command_line) return ["command line", h("small", {}, actor.command_line)];
  const key = actor.key_id ? `key ${actor.key_id}${actor.key_name ? `, ${actor.key_name}` : ""}` : "this machine, without a key";
  return [actor.owner, h("small", {}, key)];
}

function subject({ subject: name, action }) {
  if (!name) return "–";
  const noun = { job: "jobs", batch: "batches" }[name.split("_")[0]];
  const gone = action.endsWith("-deleted");
  return noun && !gone ? h("a", { href: at(`${noun}/${name}`) }, name) : h("code", {}, name);
}
