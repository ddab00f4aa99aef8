-- Gives a held job back to the queue, at once or after a delay.
-- ARGV: id, token, delay_ms, counts ('0' if this attempt does not count), slot_cost (charges.lua),
-- device_us and bytes_in (accounts.lua).
-- Returns the status afterwards; nothing if the caller does not hold the job.
--- include keys, basics, when_full, waiting, charges, accounts, claims, endings
also_when_full()
local id, token, delay_ms, counts = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local status = status_for(id, token)
if not status then
  return nil
end
charge_slot(id, ARGV[5])
account_attempt(id, { device_us = tonumber(ARGV[6]), bytes_in = tonumber(ARGV[7]) })
if status == 'canceling' then
  end_job(id, 'canceled')
  return 'canceled'
end
requeue(id)
if counts == '0' then
  redis.call('HINCRBY', job_key(id), 'attempt', -1)
end
if delay_ms > 0 then
  redis.call('ZADD', scheduled_key(read(id, 'lane')[1]), now_ms() + delay_ms, id)
else
  wait_in_lane(id)
end
return 'queued'
