// All jobs that meet conditions, and what can be done to some or all of them.
import { $, doing, h, many, show, time } from "../dom.js";
import { nameOf } from "../gallery.js";
import { at, call, patient } from "../http.js";
import { admitted } from "./admission.js";
import { beginBulk, watchBulk } from "./bulk.js";
import { List } from "./list.js";

const AT_ONCE = 4; // requests
const STEPS = {
  retry: (id) => call(`v1/jobs/${id}/retry`, { method: "POST" }),
  cancel: (id) => call(`v1/jobs/${id}/cancel`, { method: "POST" }),
  delete: (id) => call(`v1/jobs/${id}`, { method: "DELETE" }),
};

const admin = (await admitted("user", "admin")).scope === "admin";
const list = new List("v1/jobs", "jobs", row, { nothing: "No job matches.", changed: showSelected });

function row(job) {
  const name = nameOf(job);
  const box = h("input", { type: "checkbox", value: job.id, "aria-label": `Select ${name}`, onchange: showSelected });
  const error = job.error ? h("td", { class: "long", title: job.error.detail }, h("code", {}, job.error.code), ` ${job.error.detail}`) : h("td");
  return h("tr", {}, h("td", {}, box), h("th", { scope: "row", class: "long" }, h("a", { href: at(`jobs/${job.id}`) }, name)), admin && h("td", {}, job.owner), h("td", {}, h("span", { class: `pill ${job.status}` }, job.status)), h("td", {}, job.lane), h("td", {}, time(job.created_at)), error);
}

const boxes = () => [...$("found").querySelectorAll("input[type=checkbox]")];
const selected = () => boxes().filter((box) => box.checked).map((box) => box.value);

function showSelected() {
  const count = selected().length;
  $("on-selected").hidden = !count;
  $("selected").textContent = `${many(count, "job")} selected`;
  $("every").checked = count > 0 && count === boxes().length;
  $("every").indeterminate = count > 0 && count < boxes().length;
  $("every").disabled = !boxes().length;
}

// Do a step to each selected job; a refusal of one does not stop the others.
async function act(action) {
  const ids = selected();
  if (action !== "retry" && !confirm(`${action === "delete" ? "Delete" : "Cancel"} ${many(ids.length, "job")}?`)) return;
  const refusals = [];
  const left = [...ids];
  const work = async () => {
    for (let id = left.shift(); id; id = left.shift()) {
      await patient(() => STEPS[action](id), true).catch((error) => refusals.push(error));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  $("notice").replaceChildren();
  if (refusals.length) show(new Error(`${many(refusals.length, "job was", "jobs were")} left as they are: ${refusals[0].message}`));
  await list.again();
}

$("every").addEventListener("change", () => {
  for (const box of boxes()) box.checked = $("every").checked;
  showSelected();
});
for (const button of $("on-selected").querySelectorAll("button")) button.addEventListener("click", doing(() => act(button.dataset.action)));
for (const button of $("on-all").querySelectorAll("button")) {
  button.addEventListener("click", doing(() => {
    const { owner, ...conditions } = list.conditions;
    return beginBulk(button.dataset.action, conditions, owner);
  }));
}
watchBulk(() => list.again());
list.again();
