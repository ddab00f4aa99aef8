// Sending files: a few at a time, each with its progress.
import { Problem, at, patient, refuse } from "../http.js";

const AT_ONCE = 3;
const waiting = [];
let running = 0;

// Send a file; return the source that names it in a job. `progress` gets the share that was sent.
export function upload(file, progress) {
  return new Promise((resolve, reject) => {
    waiting.push(async () => {
      try {
        resolve(await patient(() => send(file, progress), true));
      } catch (error) {
        reject(error);
      }
    });
    next();
  });
}

async function next() {
  if (running >= AT_ONCE || !waiting.length) return;
  running += 1;
  await waiting.shift()();
  running -= 1;
  next();
}

// fetch() reports no progress, so this is an XMLHttpRequest.
function send(file, progress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", at("v1/uploads"));
    request.setRequestHeader("Content-Type", file.type.startsWith("image/") ? file.type : "application/octet-stream");
    request.setRequestHeader("Accept", "application/json");
    request.responseType = "json";
    request.upload.addEventListener("progress", (event) => progress(event.loaded / event.total));
    request.addEventListener("error", () => reject(new Problem(0, {})));
    request.addEventListener("load", () => {
      if (request.status === 200) return resolve({ upload_id: request.response.upload_id });
      const problem = new Problem(request.status, request.response || {}, Number(request.getResponseHeader("Retry-After")));
      try {
        refuse(problem);
      } catch (error) {
        reject(error);
      }
    });
    request.send(file);
  });
}
