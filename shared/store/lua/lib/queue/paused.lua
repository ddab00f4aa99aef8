--- include keys

local function is_paused(lane)
  return redis.call('SISMEMBER', PREFIX .. 'paused', lane) == 1
end
