-- ARGV: uploads, as <owner>/<digest>, that jobs are about to name: they are kept for a time from now on. Answers one
-- that a worker may be removing just now, and changes nothing then; else nothing. What a dead worker was removing may
-- be gone: the caller looks afterwards.
local now = now_ms()
for _, upload in ipairs(ARGV) do
  local lease_end = redis.call('ZSCORE', PREFIX .. 'removing', 'uploads/' .. upload)
  if lease_end and tonumber(lease_end) > now then
    return upload
  end
end
for _, upload in ipairs(ARGV) do
  redis.call('ZADD', PREFIX .. 'uploads', now, upload)
  redis.call('ZREM', PREFIX .. 'removing', 'uploads/' .. upload)
end
