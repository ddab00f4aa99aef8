-- ARGV: batch, number. Removes jobs of a batch that no worker holds, some at a time, then all that is left of it;
-- of one that failed, the record stays. Answers 1 if there may be more, else 0.
also_when_full()
local batch, number = ARGV[1], tonumber(ARGV[2])
local key = batch_key(batch)
local owner, status, name = unpack(redis.call('HMGET', key, 'owner', 'status', 'idempotency'))
redis.call('SREM', PREFIX .. 'canceling', batch)
if not owner then
  redis.call('SREM', PREFIX .. 'discarding', batch)
  return 0
end
local ids = jobs_of_batch(batch, '', number)
for _, id in ipairs(ids) do
  remove(id)
end
if #ids == number then
  return 1
end
redis.call('SREM', PREFIX .. 'discarding', batch)
for _, lane in ipairs(LANES) do
  redis.call('ZREM', PREFIX .. 'batchline:' .. lane .. ':' .. owner, batch)
end
redis.call('DEL', PREFIX .. 'done:' .. batch)
if status == 'failed' and ARGV[3] ~= 'all' then
  return 0
end
remove_deliveries(batch)
redis.call('DEL', key, PREFIX .. 'rejected:' .. batch)
redis.call('ZREM', PREFIX .. 'batches:' .. owner, batch)
redis.call('ZREM', PREFIX .. 'ended', batch)
redis.call('ZREM', PREFIX .. 'validating', batch)
redis.call('ZREM', PREFIX .. 'finalizing', batch)
redis.call('PUBLISH', PREFIX .. 'changed:' .. batch, 0)
if name then
  local idempotency = PREFIX .. 'idempotency:' .. name
  local before = redis.call('GET', idempotency)
  if before and string.sub(before, -string.len(batch)) == batch then
    redis.call('DEL', idempotency)
  end
end
return 0
