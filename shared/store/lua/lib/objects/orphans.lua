-- Objects that no record knows any more, for lease_orphans.lua.
--- include keys, basics, OBJECT_KEYS

local function note_orphan(key)
  redis.call('ZADD', doomed_key(), 'NX', now_ms(), key)
end

-- Orphans the preview of an optimize job that may have written one; each attempt writes it anew.
local function note_orphaned_preview(id)
  local lane, started = unpack(read(id, 'lane', 'started_ms'))
  if lane == 'optimize' and started then
    note_orphan(preview_key(folder_of(job_key(id)), id))
  end
end
