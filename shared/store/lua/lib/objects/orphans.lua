--- include keys, basics

local function note_orphan(key)
  redis.call('ZADD', PREFIX .. 'doomed', 'NX', now_ms(), key)
end

-- The picture so far of a job that minimizes, if it may have shown one: each attempt writes it anew.
local function note_orphaned_preview(id)
  local lane, started = unpack(read(id, 'lane', 'started_ms'))
  if lane == 'optimize' and started then
    note_orphan('results/' .. folder_of(job_key(id)) .. '/' .. id .. '.preview.jpg')
  end
end
