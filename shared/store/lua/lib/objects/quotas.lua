-- Put in front of all scripts: what an owner has of that which its requests make, and may have only so much of.
-- Counted where it is: records, deliveries and keys by their lists, bytes by what the steps that end and remove add up.
--- include keys, basics

local function records_of(owner)
  return redis.call('ZCARD', PREFIX .. 'jobs:' .. owner) + redis.call('ZCARD', PREFIX .. 'batches:' .. owner)
end

local function pending_deliveries_of(owner)
  return redis.call('ZCARD', PREFIX .. 'deliveries:' .. owner) - redis.call('ZCARD', PREFIX .. 'settled:' .. owner)
end

-- Idempotency keys that are remembered, by the time until which.
local function keys_of(owner)
  return redis.call('ZCOUNT', PREFIX .. 'idempotent:' .. owner, '(' .. now_ms(), '+inf')
end

-- From when on announcements count that do so for so long; 0: for ever.
local function announced_since(milliseconds)
  milliseconds = tonumber(milliseconds or 0)
  return milliseconds > 0 and now_ms() - milliseconds or 0
end

-- Uploads that were announced since a time, and that no job has named since.
local function announced_of(owner, since)
  return redis.call('ZCOUNT', PREFIX .. 'announced:' .. owner, since, '+inf')
end

local function stored_of(owner)
  return tonumber(redis.call('HGET', PREFIX .. 'stored', owner) or 0)
end

local function record_bytes_of(owner)
  return tonumber(redis.call('HGET', PREFIX .. 'record_bytes', owner) or 0)
end

-- The quota that an owner would exceed with so much more of each kind; nothing if there is room. `most` and `more` have
-- numbers by kind; what is not among `more` is not looked at.
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
