-- ARGV: batch, owner. From now on none of its jobs starts; `cancel_jobs` ends them. If all have ended, its results are
-- still written; if that failed, it ends without them. Returns the status before; nothing if this owner has no such
-- batch.
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
    redis.call('ZREM', PREFIX .. 'batchline:' .. lane .. ':' .. owner, batch)
  end
  redis.call('SADD', PREFIX .. 'canceling', batch)
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
