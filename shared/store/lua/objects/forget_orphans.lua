-- ARGV: the end of the lease under which they were taken, or '' if they were not, then keys of objects that are
-- removed.
--- include keys, when_full
also_when_full()
for i = 2, #ARGV do
  if ARGV[1] == '' then
    redis.call('ZREM', PREFIX .. 'doomed', ARGV[i])
  elseif tonumber(redis.call('ZSCORE', PREFIX .. 'removing', ARGV[i])) == tonumber(ARGV[1]) then
    redis.call('ZREM', PREFIX .. 'removing', ARGV[i])
  end
end
