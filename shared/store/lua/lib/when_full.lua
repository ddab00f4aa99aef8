--- include keys

-- A full Redis refuses a script's first write if it may need memory, and none after that. So a script changes all or
-- nothing, and one that begins with this write, which needs none, is not refused: steps that end, renew or remove.
local function also_when_full()
  redis.call('DEL', PREFIX .. 'nothing')
end
