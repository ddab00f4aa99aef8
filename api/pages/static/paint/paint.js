// The form: photographs and styles, settings, and one batch of all of them.
import { $, duration, many, number, show } from "../dom.js";
import { Files, takeFiles } from "./files.js";
import { at, call, pause } from "../http.js";
import { methodOf, readParams, setParams, showRefusal, watchParams } from "./params.js";
import { mayChange, session } from "../shell.js";
import { Styles, sampleFile, stylesOf } from "./styles.js";

const form = $("paint");
const { maxBytes, maxJobs } = form.dataset;
const MOST_STYLES_BLENDED = 8;
const MOST_NAME = 128;
const ASK_SECONDS = 0.4;
const stem = (name) => name.replace(/\.[^.]{1,5}$/, "");
let asked = 0; // questions about the cost
let submitting = false;

const photos = new Files($("photos"), Number(maxBytes), settle);
const ownStyles = new Files($("own-styles"), Number(maxBytes), settle);
const styles = new Styles(settle);

const take = (list) => (files) => {
  if (files.length) list.add(files);
};
takeFiles($("photo-files"), $("photo-drop"), take(photos));
takeFiles($("style-files"), $("style-drop"), take(ownStyles));
for (const button of document.querySelectorAll("button[data-sample]")) {
  button.addEventListener("click", async () => photos.add([await sampleFile(button.dataset.sample, button.dataset.name)]));
}
for (const kind of ["dragover", "drop"]) document.addEventListener(kind, (event) => event.preventDefault());
$("addresses").addEventListener("input", settle);
$("blend").addEventListener("change", settle);
form.addEventListener("submit", submit);

async function start() {
  const { lanes } = await session.catch((error) => (show(error), { lanes: [] }));
  for (const option of [...$("lane").options]) if (!lanes.includes(option.value)) option.remove();
  const again = new URLSearchParams(location.search).get("again");
  if (again) await paintAgain(again).catch(show);
  await styles.offerRecent();
  settle();
}

// Fill the form with the pictures and settings of an earlier job.
async function paintAgain(id) {
  const job = await call(`v1/jobs/${encodeURIComponent(id)}`);
  const [name] = (job.custom_id || "picture").split("--");
  photos.addStored(name, job.request.content, at(`v1/jobs/${job.id}/content`));
  stylesOf(job).forEach((source, index) => {
    if (source.upload_id) styles.offer(job, index, source, true);
    else ownStyles.addStored(source.url, source, at(`v1/jobs/${job.id}/style?number=${index}`));
  });
  $("blend").checked = Boolean(job.request.styles);
  setParams("params", job.request.params);
  setParams("output", job.request.output);
}

const addresses = () => $("addresses").value.split("\n").map((line) => line.trim()).filter(Boolean);
const prefixOf = (lines) => lines.find((line) => line.startsWith("s3://") && line.endsWith("/"));
const blends = () => $("blend").checked && !$("blend-line").hidden;

// Show how many pictures this makes and what stands in the way.
async function settle() {
  const lines = addresses();
  const photoCount = photos.ready.length + photos.sending.length + lines.length;
  const styleCount = styles.count + ownStyles.ready.length + ownStyles.sending.length;
  $("photos-count").textContent = photoCount ? number(photoCount) : "";
  $("styles-count").textContent = styleCount ? `${number(styleCount)} chosen` : "";
  $("blend-line").hidden = styleCount < 2 || styleCount > MOST_STYLES_BLENDED || Boolean(prefixOf(lines));
  const total = photoCount * (blends() ? 1 : styleCount);
  const sending = photos.sending.length + ownStyles.sending.length;
  const reason = await obstacle({ lines, photoCount, styleCount, total, sending });
  $("submit").disabled = submitting || reason !== "";
  $("submit").textContent = submitting ? "Submitting\u2026" : prefixOf(lines) ? "Paint them all" : total ? `Paint ${many(total, "picture")}` : "Paint";
  $("sum").textContent = reason || sumOf(lines, photoCount, styleCount, total);
  showCost(reason || prefixOf(lines) ? 0 : total);
}

async function obstacle({ lines, photoCount, styleCount, total, sending }) {
  if (!(await mayChange().catch(() => true))) return "This key only reads";
  if (!photoCount) return styleCount ? "Choose photographs" : "Choose photographs and styles";
  if (!styleCount) return "Choose a style";
  if (prefixOf(lines) && photoCount > 1) return "An s3:// address that ends with / goes alone";
  if (total > Number(maxJobs)) return `${many(total, "picture")} are more than a batch may have (${number(Number(maxJobs))})`;
  if (sending) return `Sending ${many(sending, "file")}\u2026`;
  return readParams() ? "" : "A setting is not valid";
}

function sumOf(lines, photoCount, styleCount, total) {
  if (prefixOf(lines)) return `All pictures below the address, in ${many(styleCount, "style")}`;
  const manner = blends() ? `a blend of ${many(styleCount, "style")}` : many(styleCount, "style");
  return `${many(photoCount, "photograph")} in ${manner}: ${many(total, "picture")}`;
}

// Ask what the pictures cost and when they would be done; the latest question counts.
async function showCost(total) {
  asked += 1;
  const mine = asked;
  if (!total) return ($("cost").textContent = "");
  await pause(ASK_SECONDS);
  if (mine !== asked) return null;
  const { params } = readParams() || {};
  const question = { params, jobs: total, lane: $("lane").value || undefined };
  const answer = await call("v1/estimates", { method: "POST", json: question }).then(costOf, (error) => error.message);
  if (mine === asked) $("cost").textContent = answer;
}

function costOf({ relative_cost: cost, queue }) {
  const words = [];
  if (cost !== 1) words.push(`each takes ${cost > 1 ? `up to ${number(cost)} times` : `1/${number(Math.round(1 / cost))} of`} the usual time`);
  if (queue.reason) words.push(queue.reason);
  else if (queue.eta_seconds && cost === 1) words.push(`done in about ${duration(queue.eta_seconds.p50)}, if they are like the latest pictures`);
  return words.join("; ");
}

async function submit(event) {
  event.preventDefault();
  const read = readParams();
  if (!read || $("submit").disabled) return;
  submitting = true;
  $("problem").textContent = "";
  await settle();
  try {
    const body = await batchOf(read);
    const batch = await call("v1/batches", { method: "POST", json: body, headers: { "Idempotency-Key": randomKey() } });
    location.assign(at(`batches/${batch.id}`));
  } catch (error) {
    refused(error);
  } finally {
    submitting = false;
    settle();
  }
}

function refused(error) {
  const shown = error.errors.filter(({ pointer, detail }) => showRefusal(pointer, detail));
  if (error.pointer && showRefusal(error.pointer, error.message)) shown.push(error);
  const lines = error.errors.map(({ pointer, detail }) => `${pointer} ${detail}`);
  $("problem").textContent = shown.length ? "See the marked setting" : [error.message, ...lines].slice(0, 3).join("; ");
}

async function batchOf({ params, output }) {
  const chosen = [...(await styles.chosen()), ...ownStyles.ready];
  const defaults = { params, output };
  if (methodOf() !== "optimize") defaults.lane = $("lane").value;
  const name = $("batch-name").value.trim();
  const metadata = name ? { name } : {};
  const prefix = prefixOf(addresses());
  if (prefix) return { content_prefix: prefix, styles: chosen.map(({ source }) => plain(source)), defaults, metadata };
  const contents = [...photos.ready, ...addresses().map((url) => ({ name: url.split("/").pop().split("?")[0], source: { url } }))];
  return { jobs: jobsOf(contents, chosen), defaults, metadata: { name: name || titleOf(contents, chosen) } };
}

function jobsOf(contents, chosen) {
  const taken = new Set();
  const once = (name) => {
    const wanted = name.slice(0, MOST_NAME - 6);
    let free = wanted;
    for (let count = 2; taken.has(free); count++) free = `${wanted} (${count})`;
    taken.add(free);
    return free;
  };
  if (blends()) {
    const parts = chosen.map(({ source }) => ({ weight: 1, ...source }));
    return contents.map(({ name, source }) => ({ custom_id: once(`${stem(name)}--blend`), content: source, styles: parts }));
  }
  return contents.flatMap(({ name, source }) =>
    chosen.map((style) => ({ custom_id: once(`${stem(name)}--${stem(style.name)}`), content: source, style: plain(style.source) })),
  );
}

// Return a source without the weight that it has in a blend.
const plain = ({ weight, ...source }) => source;

function titleOf(contents, chosen) {
  const [photo, style] = [contents, chosen].map((all) => (all.length === 1 ? stem(all[0].name) : null));
  return `${photo || many(contents.length, "photograph")} in ${style || many(chosen.length, "style")}`.slice(0, 200);
}

const randomKey = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

watchParams(settle);
await start();
