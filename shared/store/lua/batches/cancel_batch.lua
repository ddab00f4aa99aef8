-- Cancels a batch: none of its jobs starts from now on, and cancel_jobs.lua ends them.
-- ARGV: batch, owner.
-- Returns the status before; nothing if this owner has no such batch.
-- If all jobs have ended, the results are still written. If writing them failed, the batch ends without them.
--- include keys, basics, when_full, batches, LANES
also_when_full()
local batch, owner = ARGV[1], ARGV[2]
local key = batch_key(batch)
local status, holder, canceled = unpack(redis.call('HMGET', key, 'status', 'owner', 'cancel_ms'))
if holder ~= owner then
  return nil
end
if status == 'running' and not canceled then
  redis.call('HSET', key, 'cancel_ms', now_ms())
  for _, lane in ipairs(LANES) do
    redis.call('ZREM', batch_line_key(lane, owner), batch)
  end
  redis.call('SADD', canceling_key(), batch)
  batch_changed(batch)
elseif status == 'finalizing' then
  redis.call('HSETNX', key, 'cancel_ms', now_ms())
  if redis.call('HEXISTS', key, 'error') == 1 then
    complete_batch(batch)
  elseif not canceled then
    batch_changed(batch)
  end
end
return status
