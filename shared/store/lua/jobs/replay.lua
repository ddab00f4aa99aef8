-- Queues an owner's dead letters again in steps, the newest first.
-- ARGV: owner, code ('': any), cursor ('' begins), number.
-- Returns {number of jobs queued, next cursor or ''}.
--- include keys, basics, retries
local owner, code, cursor, number = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local top = cursor ~= '' and '(' .. cursor or '+'
local ids = redis.call('ZREVRANGEBYLEX', dead_key(owner), top, '-', 'LIMIT', 0, number)
local queued = 0
for _, id in ipairs(ids) do
  if (code == '' or cjson.decode(read(id, 'error')[1]).code == code) and retry_job(id) then
    queued = queued + 1
  end
end
return { queued, #ids == number and ids[#ids] or '' }
