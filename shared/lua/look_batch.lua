-- ARGV: batch, owner, how many rejected lines. Answers {record, number of rejected lines, the first of them, {lane,
-- position of the batch's last job that waits in it, ...}}; nothing if this owner has no such batch.
local batch, owner, lines = ARGV[1], ARGV[2], tonumber(ARGV[3])
if redis.call('HGET', batch_key(batch), 'owner') ~= owner then
  return nil
end
local last = {}
for _, lane in ipairs({ 'high', 'normal', 'bulk' }) do
  local id = redis.call('ZRANGE', PREFIX .. 'line:' .. lane .. ':' .. batch, -1, -1)[1]
  local place = id and position(id, lane, owner, batch)
  if place then
    last[#last + 1] = lane
    last[#last + 1] = place
  end
end
local rejected = PREFIX .. 'rejected:' .. batch
return {
  redis.call('HGETALL', batch_key(batch)), redis.call('ZCARD', rejected),
  lines > 0 and redis.call('ZRANGE', rejected, 0, lines - 1) or {}, last,
}
