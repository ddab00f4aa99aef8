-- Reads a batch, its first rejected lines and the positions of its last waiting jobs.
-- ARGV: batch, owner ('*': any), number of rejected lines to read.
-- Returns {record, number of rejected lines, the first of them, {lane, position of the batch's last waiting job in
-- the lane, ...}}; nothing if this owner has no such batch, or has deleted it.
--- read only
--- include keys, position, LANES
local batch, owner, lines = ARGV[1], ARGV[2], tonumber(ARGV[3])
local holder, queued, deleted = unpack(redis.call('HMGET', batch_key(batch), 'owner', 'queued', 'deleted'))
if not holder or deleted or (owner ~= '*' and owner ~= holder) then
  return nil
end
local prefix = 'job_' .. string.sub(batch, string.len('batch_') + 1)

-- Returns the position of the batch's last job that waits in a lane or in the broker; nothing if there is none.
local function last_index(lane)
  local id = redis.call('ZRANGE', line_key(lane, batch), -1, -1)[1]
  if id then
    return position(id, lane, holder, batch)
  end
  local sent = redis.call('ZRANGE', dispatched_key(lane), 0, -1)
  for index = #sent, 1, -1 do
    if string.sub(sent[index], 1, #prefix) == prefix then
      return index
    end
  end
end

local last = {}
for _, lane in ipairs(tonumber(queued or 0) > 0 and LANES or {}) do
  local index = last_index(lane)
  if index then
    last[#last + 1] = lane
    last[#last + 1] = index
  end
end
local rejected = rejected_key(batch)
return {
  redis.call('HGETALL', batch_key(batch)), redis.call('ZCARD', rejected),
  lines > 0 and redis.call('ZRANGE', rejected, 0, lines - 1) or {}, last,
}
