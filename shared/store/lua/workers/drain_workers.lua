-- ARGV: ids of workers. Those that are known are to end when they hold no job; they hear of it at their next heartbeat.
--- include keys, when_full
also_when_full()
for _, id in ipairs(ARGV) do
  if redis.call('HEXISTS', PREFIX .. 'worker:infos', id) == 1 then
    redis.call('SADD', PREFIX .. 'workers:draining', id)
  end
end
