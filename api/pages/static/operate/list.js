// A table of records behind a form of conditions, which the address of the page repeats.
import { $, h, number, say, show } from "../dom.js";
import { call } from "../http.js";

const PAGE = 50;
const MOST_EMPTY = 20; // pages without a match, one after the other

const moment = (text) => (text.length === 16 ? `${text}:00Z` : `${text}Z`);

// The list at `path`; `member` names its records in a page, `row` makes the line of one.
export class List {
  constructor(path, member, row, { nothing, changed = () => {} }) {
    Object.assign(this, { path, member, row, nothing, changed, cursor: null, round: 0 });
    this.form = $("filters");
    this.body = $("found");
    this.button = h("button", { type: "button", onclick: () => this.load() }, "Show more");
    const given = new URLSearchParams(location.search);
    for (const field of this.fields) {
      const value = given.get(field.name);
      if (value === null) continue;
      field.value = field.type === "datetime-local" ? value.replace(/Z$/, "") : value;
      if (value) field.closest("details")?.setAttribute("open", "");
    }
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.again();
      $("found-title").focus();
    });
  }

  get fields() {
    return [...this.form.elements].filter((field) => field.name && !field.closest("[hidden]"));
  }

  // Return the conditions that are given, as members of a query.
  get conditions() {
    const found = {};
    for (const field of this.fields) {
      const value = field.value.trim();
      if (value) found[field.name] = field.type === "datetime-local" ? moment(value) : value;
    }
    return found;
  }

  async again() {
    const query = new URLSearchParams(this.conditions).toString();
    history.replaceState(null, "", query ? `?${query}` : location.pathname);
    this.round += 1;
    this.cursor = null;
    this.body.replaceChildren();
    await this.load();
  }

  // Append the next page that has records.
  async load() {
    const mine = this.round;
    this.button.disabled = true;
    try {
      for (let tries = 0; tries < MOST_EMPTY; tries++) {
        const query = new URLSearchParams({ ...this.conditions, limit: PAGE, ...(this.cursor ? { cursor: this.cursor } : {}) });
        const page = await call(`${this.path}?${query}`);
        if (mine !== this.round) return;
        this.cursor = page.next_cursor;
        this.body.append(...page[this.member].flatMap((record) => this.row(record)));
        if (page[this.member].length || !this.cursor) break;
      }
      const shown = this.body.rows.length;
      if (!shown && !this.cursor) this.body.append(h("tr", {}, h("td", { colspan: "9", class: "muted" }, this.nothing)));
      say(`${number(shown)} shown`, { now: true });
    } catch (error) {
      show(error);
    } finally {
      this.button.disabled = false;
      $("more").replaceChildren(...(this.cursor ? [this.button] : []));
      this.changed();
    }
  }
}
