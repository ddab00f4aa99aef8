-- Put in front of the scripts that change something: an owner's jobs by their tags. A job that is `indexed` stands in the
-- index with each of its tags; `indexed` counts those of an owner. Jobs that an older version made are not, and where an
-- owner has any, the index is not all there is.
--- include keys, basics

local function count_indexed(owner, by)
  if by ~= 0 and redis.call('HINCRBY', PREFIX .. 'indexed', owner, by) == 0 then
    redis.call('HDEL', PREFIX .. 'indexed', owner)
  end
end

-- Enters a job in the index under its tags (JSON, or nothing).
local function enter_tags(owner, id, tags)
  for _, tag in ipairs(tags and cjson.decode(tags) or {}) do
    redis.call('ZADD', PREFIX .. 'tagged:' .. owner .. ':' .. tag, 0, id)
  end
end

-- Takes a job out of an owner's index, if it is in it. Returns whether it was.
local function leave_tags(owner, id)
  local indexed, tags = unpack(read(id, 'indexed', 'tags'))
  if not indexed then
    return false
  end
  for _, tag in ipairs(tags and cjson.decode(tags) or {}) do
    redis.call('ZREM', PREFIX .. 'tagged:' .. owner .. ':' .. tag, id)
  end
  count_indexed(owner, -1)
  return true
end
