// Who may use a page for operators.
import { $, h } from "../dom.js";
import { session } from "../shell.js";

// Show the page to keys of these scopes and return their rights. For others a sentence takes its place, and the
// promise stays open, so that the page's script goes no further.
export async function admitted(...scopes) {
  const found = await session;
  if (scopes.includes(found.scope)) {
    $("operate").hidden = false;
    return found;
  }
  const who = scopes.includes("user") ? "This key only reads. These pages change jobs." : "This page is for operators, who have an admin key.";
  $("operate").replaceWith(h("h1", {}, "Operate"), h("p", { class: "notice" }, who));
  return new Promise(() => {});
}
