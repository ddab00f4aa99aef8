-- Counters, which a script may gather to write them together at its end.

-- What a script adds to counters: by key and field. Nothing if it writes each change at once.
local gathered
local expiring = {} -- seconds, by the key of a counter that expires

-- Writes a change. A new field sets the time after which its key expires.
local function write_counter(key, field, by)
  if redis.call('HINCRBY', key, field, by) == by and expiring[key] then
    redis.call('EXPIRE', key, expiring[key])
  end
end

-- Adds to a field; `seconds` is the time after which its key expires, nothing if it stays.
local function add_to(key, field, by, seconds)
  expiring[key] = seconds
  if not gathered then
    write_counter(key, field, by)
    return
  end
  gathered[key] = gathered[key] or {}
  gathered[key][field] = (gathered[key][field] or 0) + by
end

-- Returns the value of a field, with what is gathered.
local function count_of(key, field)
  local more = gathered and gathered[key] and gathered[key][field] or 0
  return (redis.call('HGET', key, field) or 0) + more
end

local function write_gathered()
  local all = gathered
  gathered = nil
  for key, fields in pairs(all) do
    for field, by in pairs(fields) do
      write_counter(key, field, by)
    end
  end
end
