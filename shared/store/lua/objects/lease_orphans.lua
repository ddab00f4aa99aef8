-- Leases objects that the caller is to remove. Nobody else removes them until the lease ends.
-- ARGV: number (of each kind), lease_ms, kept_ms (how long an announced upload that no job names is kept; '': for
-- ever), kept_if_deleted_ms (the same if its owner has deleted a job that named it).
-- Returns {time now, end of the lease, 1 if all jobs' uploads are counted, else 0; keys, ...}.
--- include keys, basics, when_full, stored, uploads, OBJECT_KEYS
local function forget_upload(upload)
  local owner = string.match(upload, '^[^/]+')
  local bytes = redis.call('HGET', upload_bytes_key(), upload)
  redis.call('ZREM', announced_key(owner), upload)
  if bytes then
    redis.call('HDEL', upload_bytes_key(), upload)
    add_stored(owner, -bytes)
  end
end

also_when_full()
local number, lease_ms, kept_ms, kept_if_deleted_ms = unpack(ARGV)
local now, counted = now_ms(), all_are_counted()
local answer = { now, now + lease_ms, counted and 1 or 0 }

local function take(key)
  redis.call('ZADD', removing_key(), now + lease_ms, key)
  answer[#answer + 1] = key
end

local function take_unnamed(first, last)
  for _, upload in ipairs(redis.call('ZRANGEBYSCORE', uploads_key(), first, last, 'LIMIT', 0, number)) do
    redis.call('ZREM', uploads_key(), upload)
    if redis.call('HEXISTS', named_key(), upload) == 0 then
      forget_upload(upload)
      take(key_of_upload(upload))
    end
  end
end

for _, key in ipairs(redis.call('ZRANGEBYSCORE', removing_key(), '-inf', now, 'LIMIT', 0, number)) do
  take(key) -- the lease of its worker has ended
end
for _, key in ipairs(redis.call('ZRANGE', doomed_key(), 0, number - 1)) do
  redis.call('ZREM', doomed_key(), key)
  take(key)
end
if kept_ms ~= '' and counted then
  take_unnamed(0, now - kept_ms)
  take_unnamed(kept_if_deleted_ms - now, '(0')
end
return answer
