-- Creates a bulk action, which counts its jobs first.
-- ARGV: id, owner, whose jobs, action, filter (JSON), first cursor, most of an owner that are not done, most that are
-- done, seconds to keep.
-- Returns 1; 0 if the owner has too many.
--- include keys, basics
local id, owner, of, action, filter, start, most, most_done, seconds = unpack(ARGV)
local list, open, done = bulks_key(owner), 0, {}
for _, each in ipairs(redis.call('ZRANGE', list, 0, -1)) do
  local status = redis.call('HGET', bulk_key(each), 'status')
  if not status then
    redis.call('ZREM', list, each)
  elseif status == 'done' then
    done[#done + 1] = each
  else
    open = open + 1
  end
end
if open >= tonumber(most) then
  return 0
end
for i = 1, #done - most_done do
  redis.call('ZREM', list, done[i])
  redis.call('DEL', bulk_key(done[i]))
end
redis.call(
  'HSET', bulk_key(id), 'owner', owner, 'of', of, 'action', action, 'filter', filter, 'status', 'counting',
  'start', start, 'cursor', start, 'matched', 0, 'looked', 0, 'changed', 0, 'created_ms', now_ms()
)
redis.call('EXPIRE', bulk_key(id), seconds)
redis.call('ZADD', list, 0, id)
redis.call('SADD', bulk_working_key(), id)
return 1
