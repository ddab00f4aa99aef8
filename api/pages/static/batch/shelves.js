// A batch's gallery in shelves of a page each. A shelf far from the window is empty, so a batch of 50,000 jobs takes
// as much memory as a small one. It keeps its height, and is filled again when it comes near.
import { isChosen } from "../choice.js";
import { h } from "../dom.js";
import { letGo, tile } from "../gallery.js";

export const PAGE = 60; // fills whole rows of 1 to 6 columns
const NEAR = "2500px 0px";

export class Shelves {
  // `rowsAfter` gets a cursor and a number, and returns as many rows of results.
  constructor(place, rowsAfter, failed) {
    Object.assign(this, { place, rowsAfter, failed, last: null });
    this.tiles = new Map(); // by job, of those that are shown
    this.near = new IntersectionObserver((entries) => entries.forEach((entry) => this.moved(entry)), { rootMargin: NEAR });
  }

  // Append rows, the first of which comes behind `cursor`.
  append(rows, cursor) {
    for (const row of rows) {
      if (!this.last || this.last.count === PAGE) this.open(cursor);
      this.last.count += 1;
      if (this.last.filled) this.show(this.last, row);
      cursor = this.last.upTo = row.cursor;
    }
  }

  // The list to which further tiles belong.
  get end() {
    if (!this.last) this.open(0);
    return this.last.list;
  }

  open(after) {
    this.last = { list: h("ul", { class: "gallery" }), after, count: 0, filled: true, near: true };
    this.last.list.shelf = this.last;
    this.place.append(this.last.list);
    this.near.observe(this.last.list);
  }

  show(shelf, row) {
    const fresh = tile(row);
    this.tiles.get(row.job_id)?.remove(); // a job that was retried ends twice
    this.tiles.set(row.job_id, fresh);
    fresh.dataset.job = row.job_id;
    const box = fresh.querySelector(".choose input");
    if (box) box.checked = isChosen(row.job_id);
    shelf.list.append(fresh);
  }

  moved({ target: { shelf }, isIntersecting }) {
    shelf.near = isIntersecting;
    if (isIntersecting) this.fill(shelf).catch(this.failed);
    else if (shelf.filled && !shelf.list.contains(document.activeElement)) this.clear(shelf);
  }

  clear(shelf) {
    shelf.list.style.height = `${shelf.list.offsetHeight}px`;
    for (const each of shelf.list.children) {
      letGo(each);
      if (this.tiles.get(each.dataset.job) === each) this.tiles.delete(each.dataset.job);
    }
    shelf.list.replaceChildren();
    shelf.filled = false;
  }

  async fill(shelf) {
    if (shelf.filled || shelf.busy) return;
    shelf.busy = true;
    try {
      const rows = await this.rowsAfter(shelf.after, shelf.count);
      if (!shelf.near) return;
      const here = rows.filter((row) => row.cursor <= shelf.upTo && !this.tiles.has(row.job_id));
      for (const row of here) this.show(shelf, row);
      shelf.list.style.height = "";
      shelf.filled = true;
    } finally {
      shelf.busy = false;
    }
  }
}
