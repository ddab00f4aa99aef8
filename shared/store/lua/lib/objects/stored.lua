--- include keys

local function add_bytes(kind, owner, bytes)
  if redis.call('HINCRBY', PREFIX .. kind, owner, bytes) == 0 then
    redis.call('HDEL', PREFIX .. kind, owner)
  end
end

-- Counts an owner's objects: results as they were written, and uploads as they were announced. Objects of a time before
-- bytes were counted are left out.
local function add_stored(owner, bytes)
  add_bytes('stored', owner, bytes)
end

-- Counts an owner's records: by how much, or nothing for one of a time before they were counted.
local function add_record_bytes(owner, bytes)
  if bytes then
    add_bytes('record_bytes', owner, bytes)
  end
end
