--- include keys

-- What an owner's objects take: its results as they were written, and its uploads as they were announced. Nothing is
-- known of those of a time before bytes were counted.
local function add_stored(owner, bytes)
  if redis.call('HINCRBY', PREFIX .. 'stored', owner, bytes) == 0 then
    redis.call('HDEL', PREFIX .. 'stored', owner)
  end
end
