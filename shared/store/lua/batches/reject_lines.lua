-- Stores what is wrong with lines that became no job.
-- ARGV: batch, lease_ms, quotas (JSON), bytes that a line takes beside its error, then for each line its number and
-- the error as JSON.
-- Returns {'noted'}; {'gone'} if the batch is not being read any more; {'quota', kind} if the owner would exceed this
-- quota (quotas.lua).
--- include keys, basics, quotas, stored, batches
local batch, lease_ms, quotas, beside = ARGV[1], tonumber(ARGV[2]), cjson.decode(ARGV[3]), tonumber(ARGV[4])
local rejected, bytes = rejected_key(batch), 0
local status, owner = unpack(redis.call('HMGET', batch_key(batch), 'status', 'owner'))
if status ~= 'validating' then
  return { 'gone' }
end
for i = 6, #ARGV, 2 do
  if not redis.call('ZSCORE', rejected, ARGV[i]) then -- else the first reply was lost
    bytes = bytes + beside + #ARGV[i]
  end
end
local kind = exceeded(owner, quotas, { record_bytes = bytes })
if kind then
  return { 'quota', kind }
end
redis.call('ZADD', validating_key(), 'XX', now_ms() + lease_ms, batch)
redis.call('ZADD', rejected, unpack(ARGV, 5))
redis.call('HINCRBY', batch_key(batch), 'bytes', bytes)
add_record_bytes(owner, bytes)
batch_changed(batch)
return { 'noted' }
