-- ARGV: owner, quotas (JSON), then upload, bytes ('' if not known), ... of uploads, as <owner>/<digest>, that jobs are about
-- to name: they are kept for a time from now on. Returns {'busy', upload} if a worker may be removing one just now, {'quota',
-- kind} if the owner would have too much of it (quotas.lua), and changes nothing then; else nothing. What a dead worker was
-- removing may be gone: the caller looks afterwards.
--- include keys, basics, quotas, stored
local now, owner, most = now_ms(), ARGV[1], cjson.decode(ARGV[2])
local announced, sizes = PREFIX .. 'announced:' .. owner, PREFIX .. 'upload_bytes'
local more = { announced = 0, stored = 0 }
for i = 3, #ARGV, 2 do
  local upload, bytes = ARGV[i], tonumber(ARGV[i + 1])
  local lease_end = redis.call('ZSCORE', PREFIX .. 'removing', 'uploads/' .. upload)
  if lease_end and tonumber(lease_end) > now then
    return { 'busy', upload }
  end
  more.announced = more.announced + (redis.call('ZSCORE', announced, upload) and 0 or 1)
  if bytes and redis.call('HEXISTS', sizes, upload) == 0 then
    more.stored = more.stored + bytes
  end
end
local kind = exceeded(owner, most, more)
if kind then
  return { 'quota', kind }
end
redis.call('ZREMRANGEBYSCORE', announced, '-inf', '(' .. announced_since(most.announced_ms))
for i = 3, #ARGV, 2 do
  local upload, bytes = ARGV[i], tonumber(ARGV[i + 1])
  redis.call('ZADD', PREFIX .. 'uploads', now, upload)
  redis.call('ZREM', PREFIX .. 'removing', 'uploads/' .. upload)
  redis.call('ZADD', announced, now, upload)
  if bytes and redis.call('HSETNX', sizes, upload, bytes) == 1 then
    add_stored(owner, bytes)
  end
end
