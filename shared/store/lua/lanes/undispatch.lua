-- ARGV: messages that could not be published, or came where they are of no use. Jobs that they name wait in the store
-- again. Returns what was done, as `tell` has it.
--- include keys, when_full, messages, recovery_log, LANES
also_when_full()
for _, message in ipairs(ARGV) do
  if string.sub(message, 1, 5) ~= 'call_' then
    wait_again(message)
  else
    for _, lane in ipairs(LANES) do
      redis.call('ZREM', PREFIX .. 'calls:' .. lane, message)
    end
  end
end
return recovery_log
