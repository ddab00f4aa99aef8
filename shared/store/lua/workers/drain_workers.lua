-- Drains workers: each learns at its next heartbeat that it is to end once it holds no job.
-- ARGV: ids of workers; unknown ones are ignored.
-- Returns nothing.
--- include keys, when_full
also_when_full()
for _, id in ipairs(ARGV) do
  if redis.call('HEXISTS', worker_infos_key(), id) == 1 then
    redis.call('SADD', workers_draining_key(), id)
  end
end
