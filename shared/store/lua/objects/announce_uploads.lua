-- Keeps uploads for a time from now on, because jobs are about to name them.
-- ARGV: owner, quotas (JSON), then for each upload its <owner>/<digest> and its bytes ('' if not known).
-- Returns nothing; or, if nothing was changed, {'busy', upload}: a worker may be removing this upload; {'quota',
-- kind}: the owner would exceed this quota (quotas.lua).
-- An upload that a dead worker was removing may be gone: the caller looks for it afterwards.
--- include keys, basics, quotas, stored, OBJECT_KEYS
local now, owner, most = now_ms(), ARGV[1], cjson.decode(ARGV[2])
local announced, sizes = announced_key(owner), upload_bytes_key()
local more = { announced = 0, stored = 0 }
for i = 3, #ARGV, 2 do
  local upload, bytes = ARGV[i], tonumber(ARGV[i + 1])
  local lease_end = redis.call('ZSCORE', removing_key(), key_of_upload(upload))
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
  redis.call('ZADD', uploads_key(), now, upload)
  redis.call('ZREM', removing_key(), key_of_upload(upload))
  redis.call('ZADD', announced, now, upload)
  if bytes and redis.call('HSETNX', sizes, upload, bytes) == 1 then
    add_stored(owner, bytes)
  end
end
