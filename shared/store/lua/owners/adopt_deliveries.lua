-- ARGV: from, to, cursor ('' begins), number. Gives deliveries that tell of no job and no batch to the owner `to`. Looks
-- at up to `number`. Returns the next cursor or ''.
--- include keys, ownership
local from, to, cursor, number = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local first = cursor ~= '' and '(' .. cursor or '-'
local ids = redis.call('ZRANGEBYLEX', PREFIX .. 'deliveries:' .. from, first, '+', 'LIMIT', 0, number)
for _, id in ipairs(ids) do
  if not redis.call('HGET', delivery_key(id), 'subject') then
    give_delivery(id, from, to)
    redis.call('SADD', PREFIX .. 'owners', to)
  end
end
return #ids == number and ids[#ids] or ''
