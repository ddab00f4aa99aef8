-- Forgets objects that are removed.
-- ARGV: the end of the lease under which they were removed ('' if there was none), then keys.
-- Returns nothing.
--- include keys, when_full
also_when_full()
for i = 2, #ARGV do
  if ARGV[1] == '' then
    redis.call('ZREM', doomed_key(), ARGV[i])
  elseif tonumber(redis.call('ZSCORE', removing_key(), ARGV[i])) == tonumber(ARGV[1]) then
    redis.call('ZREM', removing_key(), ARGV[i])
  end
end
