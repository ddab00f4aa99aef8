-- ARGV: number, lease_ms, and how long after they were announced uploads that no job names are kept: in general ('':
-- for ever), and after their owner deleted a job that named them. Answers {time now, end of the lease, 1 if all jobs'
-- uploads are counted, else 0, keys ...}: the caller removes these objects, and no one else until the lease ends.
--- include keys, basics, when_full, stored, uploads
-- An upload is being removed.
local function forget_upload(upload)
  local owner = string.match(upload, '^[^/]+')
  local bytes = redis.call('HGET', PREFIX .. 'upload_bytes', upload)
  redis.call('ZREM', PREFIX .. 'announced:' .. owner, upload)
  if bytes then
    redis.call('HDEL', PREFIX .. 'upload_bytes', upload)
    add_stored(owner, -bytes)
  end
end

also_when_full()
local number, lease_ms, kept_ms, kept_if_deleted_ms = unpack(ARGV)
local now, counted = now_ms(), all_are_counted()
local answer = { now, now + lease_ms, counted and 1 or 0 }

local function take(key)
  redis.call('ZADD', PREFIX .. 'removing', now + lease_ms, key)
  answer[#answer + 1] = key
end

local function take_unnamed(first, last)
  for _, upload in ipairs(redis.call('ZRANGEBYSCORE', PREFIX .. 'uploads', first, last, 'LIMIT', 0, number)) do
    redis.call('ZREM', PREFIX .. 'uploads', upload)
    if redis.call('HEXISTS', PREFIX .. 'named', upload) == 0 then
      forget_upload(upload)
      take('uploads/' .. upload)
    end
  end
end

for _, key in ipairs(redis.call('ZRANGEBYSCORE', PREFIX .. 'removing', '-inf', now, 'LIMIT', 0, number)) do
  take(key) -- from a worker that is gone
end
for _, key in ipairs(redis.call('ZRANGE', PREFIX .. 'doomed', 0, number - 1)) do
  redis.call('ZREM', PREFIX .. 'doomed', key)
  take(key)
end
if kept_ms ~= '' and counted then
  take_unnamed(0, now - kept_ms)
  take_unnamed(kept_if_deleted_ms - now, '(0')
end
return answer
