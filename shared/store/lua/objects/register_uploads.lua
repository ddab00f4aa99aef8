-- Registers uploads that are in the bucket and unknown here, as announced now.
-- ARGV: uploads, as <owner>/<digest>.
-- Returns how many were unknown.
--- include keys, basics, OBJECT_KEYS
local adopted = 0
for _, upload in ipairs(ARGV) do
  local removing = redis.call('ZSCORE', removing_key(), key_of_upload(upload))
  if not removing and redis.call('HEXISTS', named_key(), upload) == 0 then
    adopted = adopted + redis.call('ZADD', uploads_key(), 'NX', now_ms(), upload)
  end
end
return adopted
