-- How much an owner has of what its quotas limit (quotas.py): records, deliveries and keys by the length of their
-- lists.
--- include keys, basics

local function records_of(owner)
  return redis.call('ZCARD', jobs_key(owner)) + redis.call('ZCARD', batches_key(owner))
end

local function pending_deliveries_of(owner)
  return redis.call('ZCARD', deliveries_key(owner)) - redis.call('ZCARD', settled_key(owner))
end

local function keys_of(owner)
  return redis.call('ZCOUNT', idempotent_key(owner), '(' .. now_ms(), '+inf')
end

-- Returns the time since which announcements count, if each counts for so long; 0: for ever.
local function announced_since(milliseconds)
  milliseconds = tonumber(milliseconds or 0)
  return milliseconds > 0 and now_ms() - milliseconds or 0
end

-- Counts uploads that were announced since a time, and that no job has named since.
local function announced_of(owner, since)
  return redis.call('ZCOUNT', announced_key(owner), since, '+inf')
end

local function stored_of(owner)
  return tonumber(redis.call('HGET', stored_key(), owner) or 0)
end

local function record_bytes_of(owner)
  return tonumber(redis.call('HGET', record_bytes_key(), owner) or 0)
end

-- Returns the quota that an owner would exceed with so much more of each kind; nothing if there is room. `most` and
-- `more` are numbers by kind. Kinds that are not in `more` are not checked.
local function exceeded(owner, most, more)
  local count = {
    records = records_of, deliveries = pending_deliveries_of, keys = keys_of, stored = stored_of,
    record_bytes = record_bytes_of,
    announced = function(name) return announced_of(name, announced_since(most.announced_ms)) end,
  }
  for kind, number in pairs(more) do
    if most[kind] and count[kind](owner) + number > most[kind] then
      return kind
    end
  end
end
