-- ARGV: id, owner ('*' means any). Answers {record, position}; the position is -1 if there is none. Nothing if this
-- owner has no such job.
--- read only
--- include keys, basics, position
local id, owner = ARGV[1], ARGV[2]
local status, holder, lane, batch, queued = unpack(read(id, 'status', 'owner', 'lane', 'batch_id', 'queued_ms'))
if not status or (owner ~= '*' and owner ~= holder) then
  return nil
end
local place = status == 'queued' and position(id, lane, holder, batch, queued)
return { redis.call('HGETALL', job_key(id)), place or -1 }
