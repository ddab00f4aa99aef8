// The styles to choose from: samples, those of earlier jobs, and one's own files.
import { $, h, show } from "../dom.js";
import { at, call } from "../http.js";
import { upload } from "./upload.js";

const LOOKED_AT = 60; // jobs
const MOST_RECENT = 12;

// Call `changed` whenever the choice changes.
export class Styles {
  constructor(changed) {
    this.changed = changed;
    for (const box of document.querySelectorAll("#styles input[type=checkbox]")) this.watch(box);
    this.recent = new Set();
  }

  get boxes() {
    return [...document.querySelectorAll(".styles input[type=checkbox]:checked")];
  }

  get count() {
    return this.boxes.length;
  }

  // Return the name and the source of each chosen style; a sample is sent when it is first used.
  chosen() {
    return Promise.all(this.boxes.map(async (box) => ({ name: box.dataset.name, source: await this.source(box) })));
  }

  async source(box) {
    box.source ||= await upload(await sampleFile(box.dataset.sample, box.dataset.name), () => {});
    return box.source;
  }

  watch(box) {
    box.addEventListener("change", () => this.changed());
  }

  // Offer the styles of earlier jobs.
  async offerRecent() {
    const page = await call(`v1/jobs?limit=${LOOKED_AT}`).catch((error) => (show(error), { jobs: [] }));
    for (const job of page.jobs) {
      for (const [index, source] of stylesOf(job).entries()) {
        if (this.recent.size < MOST_RECENT) this.offer(job, index, source);
      }
    }
  }

  offer(job, index, source, checked = false) {
    const id = source.upload_id;
    const sample = document.querySelector(`[data-digest="${CSS.escape(id || "")}"]`);
    if (sample && checked) sample.checked = true;
    if (!id || sample || this.recent.has(id)) return;
    this.recent.add(id);
    const name = styleName(job, index);
    const box = h("input", { type: "checkbox", checked, data: { name } });
    box.source = source;
    this.watch(box);
    const image = h("img", { src: at(`v1/jobs/${job.id}/style?number=${index}`), alt: "", loading: "lazy" });
    const line = h("li", {}, h("label", { class: "style" }, box, image, h("span", { class: "style-name" }, name)));
    image.addEventListener("error", () => checked || line.remove()); // its file is gone
    $("recent-styles").append(line);
    $("recent").hidden = false;
  }
}

export const stylesOf = (job) => job.request.styles || [job.request.style];

export async function sampleFile(url, name) {
  const response = await fetch(url);
  return new File([await response.blob()], name, { type: "image/jpeg" });
}

// Names of jobs that this page submits end in their style's name.
const styleName = (job, index) => (index === 0 && job.custom_id?.split("--")[1]) || "style";
