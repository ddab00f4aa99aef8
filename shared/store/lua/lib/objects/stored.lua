-- Bytes of an owner's objects (results as written, uploads as announced) and of its records. What older versions
-- created without counting is left out.
--- include keys

local function add_bytes(key, owner, bytes)
  if redis.call('HINCRBY', key, owner, bytes) == 0 then
    redis.call('HDEL', key, owner)
  end
end

local function add_stored(owner, bytes)
  add_bytes(stored_key(), owner, bytes)
end

-- `bytes` is nothing for a record that an older version created.
local function add_record_bytes(owner, bytes)
  if bytes then
    add_bytes(record_bytes_key(), owner, bytes)
  end
end
