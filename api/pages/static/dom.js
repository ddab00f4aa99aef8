// Elements, and values in words.
export const $ = (id) => document.getElementById(id);

// Make an element: h("a", {href, class, onclick}, "text", child). No text is ever read as HTML.
export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key === "data") Object.assign(element.dataset, value);
    else if (key in element && key !== "list" && typeof value !== "string") element[key] = value;
    else element.setAttribute(key, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export function show(error) {
  const close = h("button", { type: "button", class: "quiet", onclick: () => line.remove() }, "Close");
  const line = h("div", { class: "notice bad" }, h("span", {}, error.message), close);
  $("notice").replaceChildren(line);
  line.scrollIntoView({ block: "nearest" });
}

// Run an action of a button: one at a time, and show what goes wrong.
export const doing = (action) => async (event) => {
  const button = event.currentTarget;
  button.disabled = true;
  try {
    await action();
  } catch (error) {
    show(error);
  } finally {
    button.disabled = false;
  }
};

let saidAt = 0;
export function say(text, { now = false } = {}) {
  if (!now && performance.now() - saidAt < 5000) return; // a screen reader would never come to an end
  saidAt = performance.now();
  $("live").textContent = text;
}

const NUMBER = new Intl.NumberFormat("en-US");
export const number = (value) => NUMBER.format(value);
export const many = (count, one, several = `${one}s`) => `${number(count)} ${count === 1 ? one : several}`;

export function bytes(size) {
  if (size < 1000) return `${size} B`;
  if (size < 1e6) return `${Math.round(size / 1000)} kB`;
  return size < 1e9 ? `${(size / 1e6).toFixed(1)} MB` : `${(size / 1e9).toFixed(1)} GB`;
}

export function duration(seconds) {
  if (seconds < 10) return `${Number(seconds.toFixed(1))} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86400)} days`;
}

const RECENT = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const OLDER = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
export function time(text) {
  const when = new Date(text);
  const today = when.toDateString() === new Date().toDateString();
  return h("time", { datetime: text, title: when.toISOString() }, (today ? RECENT : OLDER).format(when));
}

export const empty = (text, ...more) => h("li", { class: "empty" }, h("p", {}, text), ...more);
