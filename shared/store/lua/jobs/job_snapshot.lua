-- Reads a job and its position in its lane.
-- ARGV: id, owner ('*': any).
-- Returns {record, position}, with position -1 if it has none; nothing if this owner has no such job.
--- read only
--- include keys, basics, position
local id, owner = ARGV[1], ARGV[2]
local status, holder, lane, batch, queued = unpack(read(id, 'status', 'owner', 'lane', 'batch_id', 'queued_ms'))
if not status or (owner ~= '*' and owner ~= holder) then
  return nil
end
local rank = status == 'queued' and position(id, lane, holder, batch, queued)
return { redis.call('HGETALL', job_key(id)), rank or -1 }
