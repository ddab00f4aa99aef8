--- include keys

-- Up to `number` ids of jobs behind `cursor` (an id; '' begins) that are a batch's and of this owner, by line.
local function lines_of_batch(batch, owner, cursor, number)
  local prefix = 'job_' .. string.sub(batch, string.len('batch_') + 1)
  local first = cursor ~= '' and '(' .. cursor or '[' .. prefix
  return redis.call(
    'ZRANGEBYLEX', PREFIX .. 'jobs:' .. owner, first, '[' .. prefix .. '\255', 'LIMIT', 0, number
  )
end

-- Up to `number` ids of a batch's jobs behind `cursor`, by line. The last lines of a batch that is being adopted may still
-- be its old owner's.
local function jobs_of_batch(batch, cursor, number)
  local owner, before = unpack(redis.call('HMGET', batch_key(batch), 'owner', 'adopted_from'))
  local ids = lines_of_batch(batch, owner, cursor, number)
  if before and #ids < number and redis.call('SISMEMBER', PREFIX .. 'adopting', batch) == 1 then
    for _, id in ipairs(lines_of_batch(batch, before, ids[#ids] or cursor, number - #ids)) do
      ids[#ids + 1] = id
    end
  end
  return ids
end
