-- Paused lanes.
--- include keys

local function is_paused(lane)
  return redis.call('SISMEMBER', paused_key(), lane) == 1
end
