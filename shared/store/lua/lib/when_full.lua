-- Scripts that run although Redis is full: those that end, renew or remove something.
--- include keys

-- A full Redis refuses a script's first write if that may need memory, and no later write. So a script changes all or
-- nothing. A script that begins with this write, which needs no memory, is not refused.
local function also_when_full()
  redis.call('DEL', nothing_key())
end
