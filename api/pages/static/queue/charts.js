// Charts of the last hour or day as SVG. Behind each lie its values as a table.
import { duration, h, number } from "../dom.js";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 600, HEIGHT = 120; // of the drawing, which is stretched to its place
const SPAN_SECONDS = { hour: 3600, day: 86400 };
const POINT_SECONDS = { hour: 60, day: 900 };
const GAP = 2.5; // a point that covers so many times its span follows a gap
const STAGES = ["fetch", "decode", "style", "model", "optimize", "encode", "losses", "put"];
const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });

const rate = (value) => value.toFixed(value < 10 ? 2 : 0);
const percent = (value) => `${(100 * value).toFixed(value < 0.1 ? 1 : 0)} %`;
const milliseconds = (value) => (value < 1000 ? `${number(Math.round(value))} ms` : duration(value / 1000));
const one = (read) => [{ name: "", read }];

const CHARTS = [
  { title: "Waiting jobs", write: number, lines: one((point) => point.queued) },
  { title: "Wait of the oldest job", write: duration, lines: one((point) => point.oldest_seconds) },
  { title: "Jobs ended per second", write: rate, lines: one((point) => point.ended_per_second) },
  { title: "Running jobs", write: number, lines: one((point) => point.running) },
  { title: "Failed share", write: percent, lines: one((point) => point.failure_rate) },
  { title: "Mean wait in the queue", write: milliseconds, lines: one((point) => point.stage_ms.queue) },
  { title: "Mean time of each stage", write: milliseconds, lines: STAGES.map((name) => ({ name, read: (point) => point.stage_ms[name] })) },
];

// Show a series, as /v1/stats returns it; each chart keeps its place, and its table stays open.
export function showCharts(place, stats) {
  if (!place.children.length) place.append(...CHARTS.map((chart) => new Chart(chart).figure));
  for (const figure of place.children) figure.chart.show(stats);
}

class Chart {
  constructor({ title, write, lines }) {
    Object.assign(this, { title, write, lines });
    this.now = h("span", { class: "now" });
    this.plot = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img" });
    this.top = h("span", {});
    this.start = h("span", {});
    this.legend = h("ul", { class: "legend" });
    this.table = h("table", { class: "table" });
    const axis = h("div", { class: "axis", "aria-hidden": "true" }, this.start, h("span", {}, "now"));
    const scroll = h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `Values: ${title}` }, this.table);
    this.details = h("details", { class: "more", ontoggle: () => this.showTable() }, h("summary", {}, "Values", h("span", { class: "unseen" }, `: ${title}`)), scroll);
    const top = h("div", { class: "axis", "aria-hidden": "true" }, this.top);
    this.figure = h("figure", { class: "card chart" }, h("figcaption", {}, h("h3", {}, title), this.now), top, this.plot, axis, this.legend, this.details);
    this.figure.chart = this;
    this.plot.addEventListener("pointermove", (event) => this.point(event));
    this.plot.addEventListener("pointerleave", () => this.say(this.points.at(-1)));
  }

  show({ window, points }) {
    Object.assign(this, { window, points, used: this.lines.filter(({ read }) => points.some((point) => known(read(point)))) });
    const values = points.flatMap((point) => this.used.map(({ read }) => read(point)).filter(known));
    this.most = roundedUp(Math.max(0, ...values));
    this.top.textContent = values.length ? this.write(this.most) : "";
    this.start.textContent = window === "day" ? "24 h ago" : "1 h ago";
    this.plot.setAttribute("aria-label", `${this.title}, last ${window}: ${this.summary(values)}`);
    this.plot.replaceChildren(...this.used.map((line) => svg("path", { class: `line ${this.classOf(line)}`, d: this.path(line) })));
    if (this.lines.length > 1) this.legend.replaceChildren(...this.used.map((line) => h("li", { class: this.classOf(line) }, line.name)));
    this.say(points.at(-1));
    this.showTable();
  }

  classOf = (line) => `line-${this.lines.indexOf(line)}`;

  summary(values) {
    if (!values.length) return "no values yet";
    return `now ${this.valuesAt(this.points.at(-1)) || "none"}; between ${this.write(Math.min(...values))} and ${this.write(Math.max(...values))}`;
  }

  // The line of a series; it begins anew behind a gap or an unknown value, with the span of its first point.
  path({ read }) {
    const span = WIDTH * POINT_SECONDS[this.window] / SPAN_SECONDS[this.window];
    let drawing = false;
    const steps = this.points.map((point) => {
      const value = read(point);
      if (!known(value)) return (drawing = false) || "";
      const joined = drawing && point.seconds < GAP * POINT_SECONDS[this.window];
      drawing = true;
      const [x, y] = [this.x(point), (HEIGHT - 2 - (value / this.most) * (HEIGHT - 6)).toFixed(1)];
      return joined ? `L${x.toFixed(1)} ${y}` : `M${(x - span).toFixed(1)} ${y}h${span}`;
    });
    return steps.join("");
  }

  x(point) {
    const ago = (new Date(this.points.at(-1).at) - new Date(point.at)) / 1000;
    return WIDTH * Math.max(0, 1 - ago / SPAN_SECONDS[this.window]);
  }

  // Write the values of the point next to the pointer.
  point(event) {
    const box = this.plot.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * WIDTH;
    const distance = (point) => Math.abs(this.x(point) - x);
    if (this.points.length) this.say(this.points.reduce((best, point) => (distance(point) < distance(best) ? point : best)), true);
  }

  say(point, dated = false) {
    const text = (point && this.valuesAt(point)) || "–";
    this.now.textContent = dated ? `${CLOCK.format(new Date(point.at))}  ${text}` : text;
  }

  valuesAt(point) {
    return this.used.filter(({ read }) => known(read(point))).map(({ name, read }) => `${name} ${this.write(read(point))}`.trim()).join(", ");
  }

  showTable() {
    if (!this.details.open) return this.table.replaceChildren();
    const heads = this.used.map(({ name }) => h("th", { scope: "col", class: "number" }, name || this.title));
    const lines = [...this.points].reverse().map((point) => {
      const cells = this.used.map(({ read }) => h("td", { class: "number" }, known(read(point)) ? this.write(read(point)) : "–"));
      return h("tr", {}, h("th", { scope: "row" }, h("time", { datetime: point.at }, CLOCK.format(new Date(point.at)))), cells);
    });
    return this.table.replaceChildren(h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Until"), heads)), h("tbody", {}, lines));
  }
}

const known = (value) => value !== null && value !== undefined;

// Return 1, 2 or 5 times a power of ten, at least the value.
function roundedUp(value) {
  if (!value) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].find((step) => step * power >= value) * power;
}

function svg(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}
