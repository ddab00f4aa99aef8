-- Reads what was counted in the last spans of ten seconds, the span that has begun first.
-- ARGV: number of spans.
-- Returns {now in ms, {field, value, ...} of each span}.
--- read only
--- include keys, basics
local now = now_ms()
local answer = { now }
for back = 0, tonumber(ARGV[1]) - 1 do
  answer[#answer + 1] = redis.call('HGETALL', recent_key(math.floor(now / 10000) - back))
end
return answer
