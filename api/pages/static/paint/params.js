// The fields of `params` and `output`. Their limits come with the page, from the service's own models.
import { $ } from "../dom.js";

const fields = [...document.querySelectorAll("[data-part]")].map((element) => ({
  element,
  ...element.dataset,
  default: JSON.parse(element.dataset.default),
  input: element.querySelector("select, input"),
  word: element.querySelector("[data-word]"),
}));
const named = (name) => fields.find((field) => field.name === name);

// Call `changed` after each change of a field.
export function watchParams(changed) {
  $("fields").addEventListener("input", () => {
    settle();
    changed();
  });
  settle();
}

// Return {params, output}, without what has its default; or null if a field is wrong.
export function readParams() {
  const found = { params: {}, output: {} };
  let good = true;
  for (const field of fields.filter((each) => !each.element.hidden)) {
    const value = valueOf(field);
    const wrong = value === undefined;
    field.input.toggleAttribute("aria-invalid", wrong);
    if (wrong) field.input.setAttribute("aria-invalid", "true");
    const line = field.element.querySelector(".error");
    if (line) line.textContent = wrong ? refusal(field) : "";
    good &&= !wrong;
    if (!wrong && value !== field.default) found[field.part][field.name] = value;
  }
  return good ? found : null;
}

// Show the service's refusal of a member beside its field; return whether there is such a field.
export function showRefusal(pointer, detail) {
  const field = fields.find(({ part, name }) => pointer.endsWith(`/${part}/${name}`));
  const line = field?.element.querySelector(".error");
  if (!line) return false;
  line.textContent = detail;
  field.input.setAttribute("aria-invalid", "true");
  field.element.closest("details")?.setAttribute("open", "");
  field.input.focus();
  return true;
}

export function setParams(part, values) {
  for (const field of fields.filter((each) => each.part === part && each.name in values)) {
    const value = values[field.name];
    if (field.kind === "flag") field.input.checked = value;
    else if (field.word && value === field.word.dataset.word) field.word.checked = true;
    else field.input.value = value ?? "";
    if (value !== field.default) field.element.closest("details")?.setAttribute("open", "");
  }
  settle();
}

export const methodOf = () => named("method").input.value;

// Return the field's value: null if it is unset, undefined if it is wrong.
function valueOf({ kind, input, word, default: usual }) {
  if (kind === "flag") return input.checked;
  if (kind === "choice") return input.value;
  if (word?.checked) return word.dataset.word;
  if (input.value === "" && !input.validity.badInput) return usual === null ? null : undefined;
  return input.checkValidity() ? Number(input.value) : undefined;
}

function refusal({ input }) {
  const whole = input.step === "1" ? "a whole number" : "a number";
  const limits = [input.min && `from ${input.min}`, input.max && `to ${input.max}`].filter(Boolean).join(" ");
  return `This must be ${whole} ${limits}`.trim();
}

// Hide what has no meaning with the chosen method, and show the values of sliders.
function settle() {
  const method = methodOf();
  for (const { element, method: only, needs, input, word } of fields) {
    element.hidden = Boolean(only) && only !== method && !(needs && named(needs).input.checked);
    if (input.type === "range") $(`${input.id}-shown`).textContent = input.value;
    if (word) input.disabled = word.checked;
  }
  $("lane").closest(".field").hidden = method === "optimize";
}
