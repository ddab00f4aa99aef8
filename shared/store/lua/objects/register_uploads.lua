-- ARGV: uploads, as <owner>/<digest>, that are in the bucket. Those that nothing is known of count as announced now.
-- Answers how many.
--- include keys, basics
local adopted = 0
for _, upload in ipairs(ARGV) do
  local removing = redis.call('ZSCORE', PREFIX .. 'removing', 'uploads/' .. upload)
  if not removing and redis.call('HEXISTS', PREFIX .. 'named', upload) == 0 then
    adopted = adopted + redis.call('ZADD', PREFIX .. 'uploads', 'NX', now_ms(), upload)
  end
end
return adopted
