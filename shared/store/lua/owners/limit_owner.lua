-- Sets an owner's own limits; the caller dispatches, because jobs may start now.
-- ARGV: owner, most running jobs (0: any number), most waiting jobs; '' for either stands for the usual limit.
-- Returns nothing.
--- include keys, when_full, caps
also_when_full()
local owner = ARGV[1]
for name, limit in pairs({ running = ARGV[2], waiting = ARGV[3] }) do
  if limit == '' then
    redis.call('HDEL', limits_key(), name .. ':' .. owner)
  else
    redis.call('HSET', limits_key(), name .. ':' .. owner, limit)
  end
end
wake(owner)
