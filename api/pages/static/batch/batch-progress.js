// A batch's name and its bar, for the list and the batch's own page.
import { h, many } from "../dom.js";

export const ORDER = ["succeeded", "failed", "expired", "canceled", "canceling", "running", "queued"];

export const nameOfBatch = (batch) => batch.metadata.name || `Batch of ${many(batch.total, "picture")}`;

export function bar(batch) {
  const label = `${Math.round(batch.progress.fraction * 100)} % finished`;
  return h("div", { class: "bar", role: "img", "aria-label": label }, parts(batch));
}

// Return the colored parts of the bar; waiting jobs leave it empty.
export function parts(batch) {
  const counted = ORDER.filter((status) => status !== "queued" && batch.counts[status]);
  return counted.map((status) => {
    const part = h("span", { class: status });
    part.style.setProperty("--share", `${(100 * batch.counts[status]) / batch.total}%`);
    return part;
  });
}
