// Requests to the service. Every path is relative to the service's root, which may lie below a prefix.
const ROOT = new URL(document.documentElement.dataset.root, location.href);
const MOST_TRIES = 4;
const LONGEST_PAUSE = 10; // seconds; a longer Retry-After is shown as an error

export const at = (path) => new URL(path, ROOT).href;

// An error of the service: a problem document, or a broken connection.
export class Problem extends Error {
  constructor(status, body, retryAfter) {
    super(body.detail || "The service does not respond");
    Object.assign(this, { status, code: body.code, pointer: body.pointer, errors: body.errors || [], retryAfter });
  }
}

export async function call(path, { method = "GET", json, headers = {} } = {}) {
  const sent = { method, headers: { Accept: "application/json", ...headers } };
  if (json !== undefined) {
    sent.body = JSON.stringify(json);
    sent.headers["Content-Type"] = "application/json";
  }
  const response = await patient(() => answered(at(path), sent), method === "GET" || "Idempotency-Key" in headers);
  const text = await response.text();
  return text ? JSON.parse(text) : null; // a deletion has no body
}

// Read NDJSON with a bounded number of rows.
export async function rows(path) {
  const response = await patient(() => answered(at(path), {}), true);
  const text = await response.text();
  return text.split("\n").filter(Boolean).map((line) => JSON.parse(line));
}

// Repeat what the service was too busy for, as often and as late as it says.
export async function patient(attempt, repeatable) {
  for (let tries = 1; ; tries++) {
    try {
      return await attempt();
    } catch (error) {
      const busy = [429, 503, 0].includes(error.status) && (error.retryAfter || 0) <= LONGEST_PAUSE;
      if (!repeatable || !busy || tries === MOST_TRIES) throw error;
      await pause(error.retryAfter || tries);
    }
  }
}

export const pause = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

async function answered(url, sent) {
  let response;
  try {
    response = await fetch(url, { ...sent, credentials: "same-origin" });
  } catch {
    throw new Problem(0, {});
  }
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({}));
  return refuse(new Problem(response.status, problem, Number(response.headers.get("Retry-After"))));
}

export function refuse(problem) {
  if (problem.status === 401 && !location.pathname.endsWith("/sign-in")) {
    const from = encodeURIComponent(location.pathname + location.search);
    location.replace(at(`sign-in?next=${from}`));
  }
  throw problem;
}
