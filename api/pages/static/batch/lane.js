// The choice of another lane for a batch's waiting jobs.
import { $, doing, many, say } from "../dom.js";
import { call } from "../http.js";

// Return a function that shows the choice while jobs of the batch wait. `changed` gets the batch after a move.
export function laneChoice(path, changed) {
  $("move").addEventListener("click", doing(async () => {
    const found = await call(`${path}/lane`, { method: "POST", json: { lane: $("lane").value } });
    say(`The waiting jobs ${found.moving_to ? "are going" : "have gone"} to the lane ${$("lane").value}`, { now: true });
    changed(found);
  }));
  return (batch) => {
    const waiting = batch.counts.queued;
    $("lane-choice").hidden = !waiting || Boolean(batch.cancel_requested_at);
    $("lane-label").textContent = batch.moving_to ? `Going to the lane ${batch.moving_to}\u2026` : `Move ${many(waiting, "waiting job")} to the lane`;
  };
}
