-- Gives a batch and, in steps, its jobs to another owner.
-- ARGV: batch, from, to, level (the record version that its workers need from now on), number.
-- Returns {number of jobs given, 1 if there are more, else 0}; {0, -1} if the batch is left alone, because it is
-- being read or is not that owner's.
-- The batch has the new owner from the first call on; further calls give the rest of the jobs. Jobs are given in the
-- order of their lines, so those not yet given are the last (batch_lines.lua).
--- include keys, basics, waiting, batches, batch_lines, ownership, LANES
local batch, from, to, level, number = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local key, adopting = batch_key(batch), adopting_key()
local status, owner = unpack(redis.call('HMGET', key, 'status', 'owner'))

local function offer_to_new_owner()
  for _, lane in ipairs(LANES) do
    redis.call('ZREM', batch_line_key(lane, from), batch)
    if redis.call('EXISTS', line_key(lane, batch)) == 1 then
      batch_waits(lane, to, batch)
    end
  end
end

if status and owner == from then
  if status == 'validating' then
    return { 0, -1 }
  end
  redis.call('SADD', adopting, batch)
  give_record_bytes(redis.call('HGET', key, 'bytes'), from, to)
  redis.call('HSET', key, 'owner', to, 'adopted_from', folder_of(key))
  redis.call('ZREM', batches_key(from), batch)
  redis.call('ZADD', batches_key(to), 0, batch)
  redis.call('SADD', owners_key(), to)
  give_deliveries_of(batch, from, to)
  offer_to_new_owner()
elseif not status or redis.call('SISMEMBER', adopting, batch) == 0 then
  return { 0, -1 }
else
  to = owner -- whom the first call named
end

local ids = lines_of_batch(batch, from, '', number)
for _, id in ipairs(ids) do
  give_job(id, from, to, level)
end
if #ids == number then
  return { #ids, 1 }
end
redis.call('SREM', adopting, batch)
offer_to_new_owner() -- again: a job that was requeued meanwhile still was the old owner's
redis.call('ZADD', finalizing_key(), 'XX', now_ms(), batch)
batch_changed(batch)
return { #ids, 0 }
