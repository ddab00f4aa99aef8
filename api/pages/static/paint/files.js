// A list of files that are sent as they are chosen, and the places to drop them on.
import { bytes, h } from "../dom.js";
import { upload } from "./upload.js";

const FEW = 3;

export class Files {
  constructor(list, mostBytes, changed) {
    Object.assign(this, { list, mostBytes, changed, entries: [] });
  }

  get ready() {
    return this.entries.filter((entry) => entry.source);
  }

  get sending() {
    return this.entries.filter((entry) => !entry.source && !entry.wrong);
  }

  add(files) {
    for (const file of files) {
      const entry = this.place(file.name, bytes(file.size), URL.createObjectURL(file));
      if (file.size > this.mostBytes) this.refuse(entry, `It has ${bytes(file.size)}; the limit is ${bytes(this.mostBytes)}`);
      else this.send(entry, file);
    }
    this.tell();
  }

  // Add a picture that the service has already.
  addStored(name, source, image) {
    const entry = this.place(name, "stored", image);
    entry.source = source;
    entry.meter.remove();
    this.tell();
  }

  async send(entry, file) {
    try {
      entry.source = await upload(file, (share) => (entry.meter.value = share));
      entry.state.textContent = `${bytes(file.size)}, sent`;
      entry.meter.remove();
    } catch (error) {
      this.refuse(entry, error.message);
    }
    this.changed();
  }

  refuse(entry, reason) {
    entry.wrong = true;
    entry.meter.remove();
    entry.line.classList.add("wrong");
    entry.state.replaceChildren(h("span", { class: "error", role: "alert" }, reason));
  }

  place(name, about, image) {
    const meter = h("progress", { value: 0, max: 1, "aria-label": `Sent of ${name}` });
    const state = h("span", { class: "muted small" }, about);
    const thumb = h("img", { class: "thumb", src: image, alt: "", loading: "lazy", decoding: "async" });
    thumb.addEventListener("error", () => thumb.replaceWith(h("span", { class: "thumb" })), { once: true });
    const entry = { name, meter, state };
    const away = h("button", { type: "button", class: "quiet", "aria-label": `Remove ${name}`, onclick: () => this.remove(entry) }, "\u2715");
    entry.line = h("li", {}, thumb, h("div", {}, h("div", { class: "file-name", title: name }, name), state, meter), away);
    this.entries.push(entry);
    this.list.append(entry.line);
    return entry;
  }

  remove(entry) {
    const next = entry.line.nextElementSibling || entry.line.previousElementSibling;
    entry.line.remove();
    this.entries = this.entries.filter((each) => each !== entry);
    this.tell();
    next?.querySelector("button").focus();
  }

  tell() {
    this.list.classList.toggle("few", this.entries.length <= FEW);
    this.changed();
  }
}

// Take files that are chosen, dropped on the place, or pasted if it is the place for pasted ones.
export function takeFiles(input, place, take) {
  input.addEventListener("change", () => {
    take([...input.files]);
    input.value = "";
  });
  for (const kind of ["dragenter", "dragover"]) {
    place.addEventListener(kind, (event) => {
      event.preventDefault();
      place.classList.add("over");
    });
  }
  place.addEventListener("dragleave", () => place.classList.remove("over"));
  place.addEventListener("drop", (event) => {
    event.preventDefault();
    place.classList.remove("over");
    take([...event.dataTransfer.files]);
  });
}
