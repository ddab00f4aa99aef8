// A record's changes, by server-sent events; by polls where the service has no room for another stream.
import { at, call } from "./http.js";

const POLL_MS = 3000;

// Call `seen` with the record now and after each change, until it has ended. A hidden page lets go of its stream.
export function follow(path, noun, seen, failed) {
  let stream = null;
  let timer = null;
  let ended = false;

  const take = (record) => {
    ended = record.finished_at !== null;
    seen(record);
    if (ended) stop();
  };
  const poll = async () => {
    try {
      take(await call(path));
    } catch (error) {
      if (error.status === 404) return failed(error);
    }
    if (!ended && !document.hidden) timer = setTimeout(poll, POLL_MS);
  };
  const start = () => {
    stop();
    if (ended) return;
    stream = new EventSource(at(`${path}/events`));
    stream.addEventListener(noun, (event) => take(JSON.parse(event.data)));
    stream.addEventListener("error", () => {
      if (stream?.readyState !== EventSource.CLOSED) return; // it connects again by itself
      stop();
      timer = setTimeout(poll, POLL_MS);
    });
  };
  const stop = () => {
    stream?.close();
    stream = null;
    clearTimeout(timer);
  };
  document.addEventListener("visibilitychange", () => (document.hidden ? stop() : start()));
  call(path).then((record) => {
    take(record);
    if (!document.hidden) start();
  }, failed);
  return { again: () => { ended = false; start(); } };
}

// Call `look` now and every few seconds while the page is visible.
export function repeat(look, seconds) {
  let timer = null;
  const round = async () => {
    clearTimeout(timer);
    await look();
    if (!document.hidden) timer = setTimeout(round, seconds * 1000);
  };
  document.addEventListener("visibilitychange", () => document.hidden || round());
  round();
  return round;
}
