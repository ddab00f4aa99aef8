-- ARGV: batch, skipped files as JSON or ''. All of it is read: from now on its jobs run. Answers 1; 0 if reading it
-- was given up.
--- include keys, basics, waiting, batches, LANES
local batch, skipped = ARGV[1], ARGV[2]
local status, owner = unpack(redis.call('HMGET', batch_key(batch), 'status', 'owner'))
if status ~= 'validating' then
  return status and status ~= 'failed' and 1 or 0 -- sent twice, because the first answer was lost
end
redis.call('HSET', batch_key(batch), 'status', 'running', 'queued_ms', now_ms())
if skipped ~= '' then
  redis.call('HSET', batch_key(batch), 'skipped', skipped)
end
redis.call('ZREM', PREFIX .. 'validating', batch)
for _, lane in ipairs(LANES) do
  if redis.call('EXISTS', PREFIX .. 'line:' .. lane .. ':' .. batch) == 1 then
    batch_waits(lane, owner, batch)
  end
end
batch_changed(batch)
return 1
