-- ARGV: batch, lease_ms, then line, what is wrong with it as JSON, of lines that became no job. Answers 1, or 0 if
-- the batch is not being read any more.
--- include keys, basics, batches
local batch, lease_ms = ARGV[1], tonumber(ARGV[2])
if redis.call('HGET', batch_key(batch), 'status') ~= 'validating' then
  return 0
end
redis.call('ZADD', PREFIX .. 'validating', 'XX', now_ms() + lease_ms, batch)
redis.call('ZADD', PREFIX .. 'rejected:' .. batch, unpack(ARGV, 3)) -- sent twice, it is the same
batch_changed(batch)
return 1
