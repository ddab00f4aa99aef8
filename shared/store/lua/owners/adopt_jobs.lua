-- Gives jobs without a batch to another owner, in steps.
-- ARGV: from, to, level (the record version that their workers need from now on), cursor ('' begins), number of jobs
-- to look at.
-- Returns {number of jobs given, next cursor or ''}.
--- include keys, basics, ownership
local from, to, level, cursor, number = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[5])
local first = cursor ~= '' and '(' .. cursor or '-'
local ids = redis.call('ZRANGEBYLEX', jobs_key(from), first, '+', 'LIMIT', 0, number)
local given = 0
for _, id in ipairs(ids) do
  if not read(id, 'batch_id')[1] then
    give_job(id, from, to, level)
    given = given + 1
  end
end
if given > 0 then
  redis.call('SADD', owners_key(), to)
end
return { given, #ids == number and ids[#ids] or '' }
