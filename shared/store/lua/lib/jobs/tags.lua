-- The index of an owner's jobs by tag. A job with the field `indexed` is entered under each of its tags. Older
-- versions entered no jobs: while an owner has such jobs, a search does not use the index.
--- include keys, basics

local function count_indexed(owner, by)
  if by ~= 0 and redis.call('HINCRBY', indexed_key(), owner, by) == 0 then
    redis.call('HDEL', indexed_key(), owner)
  end
end

-- Enters a job under its tags (JSON, or nothing).
local function enter_tags(owner, id, tags)
  for _, tag in ipairs(tags and cjson.decode(tags) or {}) do
    redis.call('ZADD', tagged_key(owner, tag), 0, id)
  end
end

-- Takes a job out of an owner's index. Returns whether it was entered.
local function leave_tags(owner, id)
  local indexed, tags = unpack(read(id, 'indexed', 'tags'))
  if not indexed then
    return false
  end
  for _, tag in ipairs(tags and cjson.decode(tags) or {}) do
    redis.call('ZREM', tagged_key(owner, tag), id)
  end
  count_indexed(owner, -1)
  return true
end
