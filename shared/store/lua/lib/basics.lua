-- Time, and fields of records.
--- include keys

local script_ms

-- Returns the time, which is the same for all that a script does.
local function now_ms()
  if not script_ms then
    local time = redis.call('TIME')
    script_ms = time[1] * 1000 + math.floor(time[2] / 1000)
  end
  return script_ms
end

-- The records that this script has read whole, by id. While a record is here, `write` and `erase` are the only ways to
-- change it.
local kept = {}

-- Reads a record whole and returns it, so that further reads of it cost nothing.
local function keep(id)
  local fields = redis.call('HGETALL', job_key(id))
  kept[id] = {}
  for i = 1, #fields, 2 do
    kept[id][fields[i]] = fields[i + 1]
  end
  return kept[id]
end

local function read(id, ...)
  local record, values = kept[id], {}
  if not record then
    return redis.call('HMGET', job_key(id), ...)
  end
  for i, field in ipairs({ ... }) do
    values[i] = record[field] or false
  end
  return values
end

local function write(id, ...)
  redis.call('HSET', job_key(id), ...)
  local record, fields = kept[id], { ... }
  for i = 1, record and #fields or 0, 2 do
    record[fields[i]] = tostring(fields[i + 1])
  end
end

local function erase(id, ...)
  redis.call('HDEL', job_key(id), ...)
  for _, field in ipairs(kept[id] and { ... } or {}) do
    kept[id][field] = nil
  end
end

-- Returns the owner in the object keys of a job or batch: its first owner, also after an adoption. `key` is the
-- record's.
local function folder_of(key)
  local owner, first = unpack(redis.call('HMGET', key, 'owner', 'adopted_from'))
  return first or owner
end
