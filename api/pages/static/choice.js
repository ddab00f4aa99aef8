// Pictures of a gallery that are chosen, for one ZIP of them. The elements are in choice.html.
import { $, many, number, say } from "./dom.js";
import { at } from "./http.js";

const chosen = new Set(); // ids
const MOST = Number($("choice").dataset.most);
const boxes = () => $("gallery").querySelectorAll(".choose input");

export const isChosen = (id) => chosen.has(id);

export function choose(on) {
  $("choose").setAttribute("aria-pressed", on);
  $("gallery").classList.toggle("choosing", on);
  $("choice").hidden = !on;
  clear();
}

function clear() {
  chosen.clear();
  for (const box of boxes()) box.checked = false;
  showCount();
}

function showCount() {
  const full = chosen.size === MOST ? `, the most for one ZIP` : "";
  $("choice-count").textContent = `${number(chosen.size)} chosen${full}`;
  const zip = $("choice-zip");
  if (chosen.size) zip.href = at(`v1/jobs/archive?ids=${[...chosen].join(",")}`);
  else zip.removeAttribute("href");
}

$("gallery").addEventListener("change", ({ target: box }) => {
  if (box.checked && chosen.size === MOST) {
    box.checked = false;
    say(`A ZIP has ${many(MOST, "picture")} at the most`, { now: true });
  } else if (box.checked) chosen.add(box.dataset.id);
  else chosen.delete(box.dataset.id);
  showCount();
});
$("gallery").addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || $("choice").hidden) return;
  (chosen.size ? $("choice-zip") : $("choice-done")).focus(); // the bar stands before thousands of tiles
});
$("choose").addEventListener("click", () => choose($("choice").hidden));
$("choice-clear").addEventListener("click", clear);
$("choice-done").addEventListener("click", () => {
  choose(false);
  $("choose").focus();
});
