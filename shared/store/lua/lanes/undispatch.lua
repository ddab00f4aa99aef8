-- Takes back messages that could not be published, or that came where they are of no use.
-- ARGV: messages: calls, or ids of jobs.
-- Returns the recovery log.
-- The jobs that the messages name wait in their lanes again.
--- include keys, when_full, messages, recovery_log, LANES
also_when_full()
for _, message in ipairs(ARGV) do
  if string.sub(message, 1, 5) ~= 'call_' then
    return_to_lane(message)
  else
    for _, lane in ipairs(LANES) do
      redis.call('ZREM', calls_key(lane), message)
    end
  end
end
return recovery_log
