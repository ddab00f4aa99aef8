-- Notes that a held job was lost with its worker's engine, while the worker lives on (silent_workers.lua).
-- ARGV: id, token, alone ('1' or '0').
-- Returns 1; nothing if the caller does not hold the job.
-- The job's lease will end. Jobs that the worker takes from now on were no company of a job that ran alone. A job that
-- did not run alone had company in the engine, maybe that of other workers' jobs.
--- include keys, basics, claims
local id, token, alone = unpack(ARGV)
if not status_for(id, token) then
  return nil
end
local process = read(id, 'process')[1]
if alone ~= '1' then
  redis.call('HSET', job_key(id), 'shared', 1)
elseif process then
  redis.call('SREM', held_key(process), id)
  redis.call('HDEL', job_key(id), 'process')
end
return 1
