-- Notes that a held job had company where its worker lost it, so that the attempt does not count (silent_workers.lua).
-- ARGV: id, token. Returns 1, or nothing if the caller does not hold the job.
--- include keys, basics, claims
if not status_for(ARGV[1], ARGV[2]) then
  return nil
end
redis.call('HSET', job_key(ARGV[1]), 'shared', 1)
return 1
