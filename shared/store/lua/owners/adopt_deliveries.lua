-- Gives deliveries about no job or batch to another owner, in steps.
-- ARGV: from, to, cursor ('' begins), number of deliveries to look at.
-- Returns the next cursor or ''.
--- include keys, ownership
local from, to, cursor, number = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local first = cursor ~= '' and '(' .. cursor or '-'
local ids = redis.call('ZRANGEBYLEX', deliveries_key(from), first, '+', 'LIMIT', 0, number)
for _, id in ipairs(ids) do
  if not redis.call('HGET', delivery_key(id), 'subject') then
    give_delivery(id, from, to)
    redis.call('SADD', owners_key(), to)
  end
end
return #ids == number and ids[#ids] or ''
