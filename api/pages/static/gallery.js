// Tiles of jobs. Pictures far from the window are let go, so thousands of tiles take little memory.
import { h } from "./dom.js";
import { at } from "./http.js";

const NEAR = "1200px 0px";
const WORDS = { queued: "waiting", running: "being painted", canceling: "being canceled" };

const near = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      const image = target.querySelector("img"); // not observed itself: without a picture it has no box
      if (!image) near.unobserve(target);
      else if (isIntersecting) image.src = image.dataset.src;
      else image.removeAttribute("src");
    }
  },
  { rootMargin: NEAR },
);

export const nameOf = (job) => job.custom_id || (job.line ? `line ${job.line}` : job.id || job.job_id);

// Return the tile of a job or of a row of a batch's results.
export function tile(job) {
  const id = job.id || job.job_id;
  const frame = h("div", { class: "frame" });
  if (job.status === "succeeded") {
    const { width, height } = job.result.thumbnail || job.result;
    const image = h("img", { alt: "", loading: "lazy", decoding: "async", width: String(width), height: String(height), data: { src: at(`v1/jobs/${id}/thumbnail`) } });
    image.addEventListener("error", () => image.src && frame.replaceChildren("cannot be shown here"));
    frame.append(image);
  } else {
    frame.append(job.error ? job.error.code : WORDS[job.status] || job.status);
  }
  const state = job.status === "succeeded" ? size(job.result) : h("span", { class: `pill ${job.status}` }, WORDS[job.status] || job.status);
  const caption = h("div", { class: "caption" }, h("span", {}, nameOf(job)), state);
  const choose = job.status === "succeeded" && h("label", { class: "choose" }, h("input", { type: "checkbox", "aria-label": `Choose ${nameOf(job)}`, data: { id } }));
  const line = h("li", { class: `tile ${job.status}` }, h("a", { href: at(`jobs/${id}`) }, frame, caption), choose);
  near.observe(line);
  return line;
}

// Forget a tile that is taken out of its gallery, and its picture at once: the browser would keep it for a while.
export function letGo(line) {
  near.unobserve(line);
  line.querySelector("img")?.removeAttribute("src");
}

const size = (result) => h("span", { class: "muted" }, `${result.width}\u00d7${result.height}`);

export const waitingTile = () =>
  h("li", { class: "tile waiting", "aria-hidden": "true" }, h("div", { class: "frame" }, "waiting"));

// Load pages as their end comes into view. `page` gets the cursor and returns the next one, or null at the end.
export class Pages {
  constructor(line, page, failed) {
    Object.assign(this, { line, page, failed, cursor: null, busy: false, done: false });
    this.button = h("button", { type: "button", onclick: () => this.load() }, "Show more");
    this.watch = new IntersectionObserver((entries) => entries.at(-1).isIntersecting && this.load(), { rootMargin: "600px" });
  }

  async load() {
    if (this.busy || this.done) return;
    this.busy = true;
    this.button.textContent = "Looking for more\u2026";
    try {
      this.cursor = await this.page(this.cursor);
      this.done = this.cursor === null;
      this.line.replaceChildren(...(this.done ? [] : [this.button]));
    } catch (error) {
      this.failed(error);
      this.line.replaceChildren(this.button);
    } finally {
      this.busy = false;
      this.button.textContent = "Show more";
    }
    // Observed anew, because an end that stays in view reports no change.
    this.watch.unobserve(this.line);
    if (!this.done) this.watch.observe(this.line);
  }

  again() {
    this.cursor = null;
    this.done = false;
    return this.load();
  }
}
