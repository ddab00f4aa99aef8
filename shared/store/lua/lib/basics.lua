-- Time, and fields of records.
--- include keys

local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function read(id, ...)
  return redis.call('HMGET', job_key(id), ...)
end

-- Returns the owner in the object keys of a job or batch: its first owner, also after an adoption. `key` is the
-- record's.
local function folder_of(key)
  local owner, first = unpack(redis.call('HMGET', key, 'owner', 'adopted_from'))
  return first or owner
end
