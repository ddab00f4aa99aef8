-- ARGV: id, token, delay_ms, counts, slot_cost (`charge_slot`). Gives a held job back: at once, or after a delay; `counts`
-- is '0' when this attempt is not to be counted. Answers the status after it; nothing if the caller does not hold it.
--- include keys, basics, when_full, waiting, charges, claims, endings
also_when_full()
local id, token, delay_ms, counts = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local status = status_for(id, token)
if not status then
  return nil
end
charge_slot(id, ARGV[5])
if status == 'canceling' then
  end_job(id, 'canceled')
  return 'canceled'
end
requeue(id)
if counts == '0' then
  redis.call('HINCRBY', job_key(id), 'attempt', -1)
end
if delay_ms > 0 then
  redis.call('ZADD', PREFIX .. 'scheduled:' .. read(id, 'lane')[1], now_ms() + delay_ms, id)
else
  wait_in_lane(id)
end
return 'queued'
