-- ARGV: batch, then lines that became no job, as JSON. Answers 1, or 0 if the batch is not being read any more.
local batch = ARGV[1]
if redis.call('HGET', batch_key(batch), 'status') ~= 'validating' then
  return 0
end
redis.call('RPUSH', PREFIX .. 'rejected:' .. batch, unpack(ARGV, 2))
batch_changed(batch)
return 1
