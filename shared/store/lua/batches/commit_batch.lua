-- Starts a batch once all of it is read.
-- ARGV: batch, skipped files as JSON or ''.
-- Returns 1; 0 if reading the batch was given up.
--- include keys, basics, waiting, batches, LANES
local batch, skipped = ARGV[1], ARGV[2]
local status, owner = unpack(redis.call('HMGET', batch_key(batch), 'status', 'owner'))
if status ~= 'validating' then
  return status and status ~= 'failed' and 1 or 0 -- the first reply was lost
end
redis.call('HSET', batch_key(batch), 'status', 'running', 'queued_ms', now_ms())
if skipped ~= '' then
  redis.call('HSET', batch_key(batch), 'skipped', skipped)
end
redis.call('ZREM', validating_key(), batch)
for _, lane in ipairs(LANES) do
  if redis.call('EXISTS', line_key(lane, batch)) == 1 then
    batch_waits(lane, owner, batch)
  end
end
batch_changed(batch)
return 1
