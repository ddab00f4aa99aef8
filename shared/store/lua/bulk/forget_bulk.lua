-- Removes a bulk action; what it has done to jobs stays.
-- ARGV: id, owner.
-- Returns 1; 0 if this owner ('*': any) has no such action.
--- include keys, when_full
also_when_full()
local id, owner = ARGV[1], ARGV[2]
local holder = redis.call('HGET', bulk_key(id), 'owner')
if not holder or (owner ~= '*' and holder ~= owner) then
  return 0
end
redis.call('ZREM', bulks_key(holder), id)
redis.call('SREM', bulk_working_key(), id)
redis.call('DEL', bulk_key(id))
return 1
