// One job: its picture beside the original, how it was made, and what can be done with it.
import { actionsThat, showActions } from "./actions.js";
import { $, bytes, duration, h, number, show, time } from "./dom.js";
import { follow } from "./follow.js";
import { nameOf } from "./gallery.js";
import { at, call } from "./http.js";
import { mayChange } from "./shell.js";

const PATH = `v1/jobs/${encodeURIComponent(document.documentElement.dataset.record)}`;
const USUAL = JSON.parse($("facts").dataset.defaults);
const FINAL = ["succeeded", "failed", "canceled", "expired"];
const changing = await mayChange().catch(() => false);
let shown = ""; // the state that the stage shows
let job = null;

const action = actionsThat((found) => {
  update(found);
  changes.again();
});
const changes = follow(PATH, "job", update, show);

function update(found) {
  job = found;
  $("name").textContent = nameOf(job);
  document.title = `${nameOf(job)} · stylequeue`;
  if (job.batch_id) $("crumbs").replaceChildren(h("a", { href: at(`batches/${job.batch_id}`) }, "Its batch"));
  showStage();
  showActions($("actions"), actions());
  $("facts").replaceChildren(...facts());
}

function showStage() {
  const state = job.status === "succeeded" ? `${job.status} ${job.attempt}` : "";
  if (state && state === shown) return; // the slider keeps its place
  shown = state;
  $("stage").replaceChildren(...(state ? comparison() : [waiting()]));
}

function comparison() {
  const { width, height } = job.result;
  const after = h("img", { src: at(`${PATH}/result`), alt: `The painting of ${nameOf(job)}`, width: String(width), height: String(height) });
  const frame = h("div", { class: "compare alone" }, after);
  frame.style.setProperty("--ratio", width / height);
  const slider = h("label", { class: "slider" }, "Original", h("input", { type: "range", min: "0", max: "100", value: "50", "aria-label": "Share of the original that is shown, in percent" }), "Painting");
  const before = h("img", { class: "before", src: at(`${PATH}/content`), alt: "The original" });
  const note = h("p", { class: "muted small" });
  before.addEventListener("load", () => {
    frame.classList.remove("alone");
    frame.append(before, h("span", { class: "tag left" }, "Original"), h("span", { class: "tag right" }, "Painting"));
    note.replaceWith(slider);
  });
  before.addEventListener("error", () => (note.textContent = "The original cannot be shown here: the service keeps no copy of it, or this browser does not read its format."));
  slider.querySelector("input").addEventListener("input", (event) => frame.style.setProperty("--cut", `${event.target.value}%`));
  frame.addEventListener("pointermove", (event) => {
    if (event.pointerType === "mouse" && !event.buttons) return;
    const box = frame.getBoundingClientRect();
    const share = Math.round(Math.min(Math.max((100 * (event.clientX - box.left)) / box.width, 0), 100));
    slider.querySelector("input").value = share;
    frame.style.setProperty("--cut", `${share}%`);
  });
  return [frame, note];
}

function waiting() {
  const lines = [h("p", { class: "strong" }, h("span", { class: `pill ${job.status}` }, job.status))];
  if (job.error) lines.push(h("p", { class: "error" }, job.error.detail), h("p", { class: "muted small" }, `${job.error.code}, in the stage ${job.error.stage}, after ${job.error.attempts} attempt(s)`));
  if (job.progress) {
    const { stage, fraction, iteration, iterations } = job.progress;
    const step = iteration ? `, step ${number(iteration)} of ${number(iterations)}` : "";
    lines.push(h("progress", { value: fraction, "aria-label": "Progress" }), h("p", { class: "muted" }, stage + step));
    if (job.progress.preview) lines.push(h("img", { src: at(`${PATH}/preview?redirect=yes&at=${iteration}`), alt: "The picture so far" }));
  }
  if (job.queue) {
    const { position, eta_seconds: eta, reason } = job.queue;
    lines.push(h("p", { class: "muted" }, reason || [position && `number ${number(position)} in its lane`, eta && `about ${duration(eta.p50)}`].filter(Boolean).join(", ")));
  }
  return h("div", { class: "waitbox" }, ...lines);
}

function actions() {
  const ended = FINAL.includes(job.status);
  const step = (name) => action(name, () => call(`${PATH}/${name.toLowerCase()}`, { method: "POST" }));
  return [
    job.result && h("a", { class: "button", href: at(`${PATH}/result`), target: "_blank", rel: "noopener" }, "Full size"),
    job.result && h("a", { class: "button", href: at(`${PATH}/result?redirect=yes&download=yes`), download: "" }, "Download"),
    changing && h("a", { class: "button primary", href: at(`?again=${job.id}`) }, "Paint again"),
    changing && ended && job.status !== "succeeded" && step("Retry"),
    changing && !ended && step("Cancel"),
    changing && ended && action("Delete", remove, "danger"),
  ].filter(Boolean);
}

async function remove() {
  if (!confirm("Delete this job with its picture?")) return null;
  await call(PATH, { method: "DELETE" });
  location.assign(at(job.batch_id ? `batches/${job.batch_id}` : "pictures"));
  return null;
}

function facts() {
  const { result, request } = job;
  const styles = request.styles || [request.style];
  const images = styles.map((_, index) => {
    const image = h("img", { src: at(`${PATH}/style?number=${index}`), alt: `Style ${index + 1}` });
    image.addEventListener("error", () => image.replaceWith(h("span", { class: "muted small" }, request.styles?.[index].url || request.style?.url || "not kept")));
    return image;
  });
  const parts = [h("h2", {}, styles.length > 1 ? "Styles" : "Style"), h("div", { class: "style-row" }, images)];
  if (result) {
    const scaled = result.source_width ? ` of ${result.source_width}\u00d7${result.source_height}` : "";
    parts.push(list("Picture", { Size: `${result.width}\u00d7${result.height}${scaled}`, File: `${bytes(result.bytes)} ${result.content_type.replace("image/", "")}`, Model: result.model, Device: result.device }));
    for (const warning of result.warnings) parts.push(h("p", { class: "notice" }, warning.detail));
    parts.push(list("Time", Object.fromEntries(Object.entries(result.timings_ms).map(([stage, ms]) => [stage, `${number(Math.round(ms))} ms`]))));
    if (result.losses) parts.push(list("Losses", losses(result.losses)));
    if (result.optimization) parts.push(list("Minimization", { Steps: number(result.optimization.iterations), "Stopped by": result.optimization.stopped_by }));
  }
  const set = Object.entries(request.params).filter(([name, value]) => name === "method" || JSON.stringify(value) !== JSON.stringify(USUAL[name]));
  if (request.params.method === "fast" && !set.some(([name]) => name === "strength")) set.push(["strength", request.params.strength]);
  parts.push(list("Settings", Object.fromEntries(set.map(([name, value]) => [name.replaceAll("_", " "), String(value)]))));
  parts.push(list("Job", { Id: job.id, Lane: job.lane, Attempt: `${job.attempt} of ${job.max_attempts}`, Created: time(job.created_at), ...(job.owner ? { Owner: job.owner } : {}) }));
  parts.push(h("p", { class: "small" }, h("a", { href: at(PATH) }, "This job as JSON")));
  return parts;
}

const losses = ({ content_per_element: content, style_per_element: style, content_image: original }) => ({
  "content, per element": content.toPrecision(3),
  "style, per element": style.toPrecision(3),
  "style of the original": original.style_per_element.toPrecision(3),
});

function list(title, entries) {
  const lines = Object.entries(entries).flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]);
  return h("section", {}, h("h2", {}, title), h("dl", {}, lines));
}
