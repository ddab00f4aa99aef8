-- ARGV: number. Answers {now in ms, {fields of what was counted}, ...}: of the ten seconds that have begun and of those
-- before, so many in all.
--- read only
--- include keys, basics
local now = now_ms()
local answer = { now }
for back = 0, tonumber(ARGV[1]) - 1 do
  answer[#answer + 1] = redis.call('HGETALL', PREFIX .. 'recent:' .. math.floor(now / 10000) - back)
end
return answer
