// What every page has: who is signed in, and the way out.
import { $, doing } from "./dom.js";
import { at, call } from "./http.js";

const onSignIn = location.pathname.endsWith("/sign-in");

// The sender's rights; a page waits for them before it offers what changes something.
export const session = call("v1/session");
export const mayChange = async () => (await session).scope !== "viewer";
export const isAdmin = async () => (await session).scope === "admin";

session.then(
  (found) => {
    const role = found.scope === "user" ? "" : ` (${found.scope})`;
    $("who").textContent = found.key_id ? found.owner + role : "this machine";
    $("sign-out").hidden = !found.by_session;
    for (const each of document.querySelectorAll("[data-scopes]")) each.hidden = !each.dataset.scopes.split(" ").includes(found.scope);
  },
  () => {}, // a refused session leads to the page to sign in on; other pages show their own errors
);
$("sign-out").addEventListener(
  "click",
  doing(async () => {
    await call("v1/session", { method: "DELETE" });
    location.assign(at("sign-in"));
  }),
);
if (onSignIn) $("who").hidden = true;
