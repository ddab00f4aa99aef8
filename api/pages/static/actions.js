// The buttons and links for what can be done with the job or batch of a page.
import { doing, h } from "./dom.js";

// Return a function that makes a button for a step; `changed` gets what the step returns, if it returns anything.
export const actionsThat = (changed) => (name, step, kind = "") => {
  const run = doing(async () => {
    const found = await step();
    if (found) changed(found);
  });
  return h("button", { type: "button", class: kind, onclick: run }, name);
};

// Show these elements, unless the same ones are there: else the focus would be lost with each event.
export function showActions(place, wanted) {
  const names = (all) => [...all].map((each) => each.textContent).join();
  if (names(wanted) !== names(place.children)) place.replaceChildren(...wanted);
}
