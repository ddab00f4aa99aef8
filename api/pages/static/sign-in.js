// Exchange an API key for a session.
import { $ } from "./dom.js";
import { at, call } from "./http.js";

const form = $("sign-in");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const key = $("key");
  $("key-error").textContent = "";
  key.removeAttribute("aria-invalid");
  try {
    await call("v1/session", { method: "POST", json: { key: key.value.trim() } });
    location.replace(next());
  } catch (error) {
    $("key-error").textContent = error.message;
    key.setAttribute("aria-invalid", "true");
    key.focus();
  }
});
$("key").focus();

// Return the page to go on to, which must be one of this service.
function next() {
  const root = at("");
  const wanted = new URL(new URLSearchParams(location.search).get("next") || "", root);
  return wanted.href.startsWith(root) && !wanted.pathname.endsWith("/sign-in") ? wanted.href : root;
}
