-- The jobs of a batch, by line.
--- include keys

-- Returns up to `number` ids of a batch's jobs that belong to this owner, after the id `cursor` ('' begins).
local function lines_of_batch(batch, owner, cursor, number)
  local prefix = 'job_' .. string.sub(batch, string.len('batch_') + 1)
  local first = cursor ~= '' and '(' .. cursor or '[' .. prefix
  return redis.call(
    'ZRANGEBYLEX', jobs_key(owner), first, '[' .. prefix .. '\255', 'LIMIT', 0, number
  )
end

-- Returns up to `number` ids of a batch's jobs after the id `cursor` ('' begins). While a batch is being adopted, the
-- jobs of its last lines may still belong to the old owner.
local function jobs_of_batch(batch, cursor, number)
  local owner, before = unpack(redis.call('HMGET', batch_key(batch), 'owner', 'adopted_from'))
  local ids = lines_of_batch(batch, owner, cursor, number)
  if before and #ids < number and redis.call('SISMEMBER', adopting_key(), batch) == 1 then
    for _, id in ipairs(lines_of_batch(batch, before, ids[#ids] or cursor, number - #ids)) do
      ids[#ids + 1] = id
    end
  end
  return ids
end
