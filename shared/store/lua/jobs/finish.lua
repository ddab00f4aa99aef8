-- Ends held jobs. Each ends or stays by itself, whatever becomes of the others.
-- ARGV: for each job its id, token, status, field ('result' or 'error'), value (JSON), slot_cost (charges.lua),
-- started_ms (when its slot began to work on it), the keys (JSON) of its objects in the service's bucket, their
-- bytes, and what it took (accounts.lua): device_us, bytes_in, pixels, bytes_out.
-- Returns {for each the status with which the job ended; '' if the caller does not hold the job any more; and
-- 'error ...' if its record is damaged}, {lanes in which owners that were at their cap may start jobs again}.
-- A job whose cancellation was accepted ends as canceled, with whatever outcome the worker comes.
--- include keys, basics, when_full, counters, charges, accounts, orphans, claims, transitions, endings
also_when_full()

-- Adds the times of a picture's stages to the totals.
local function count_stages(result)
  for stage, ms in pairs(cjson.decode(result).timings_ms or {}) do
    add_to(tallies_key(), 'stage:' .. stage, math.floor(1000 * ms + 0.5))
    add_to(tallies_key(), 'timed:' .. stage, 1)
  end
end

local function finish(id, token, to, field, value, slot_cost, started_ms, keys, bytes, device_us, bytes_in, pixels, out)
  keep(id)
  local status = status_for(id, token)
  if not status then
    if not read(id, 'status')[1] then
      for _, key in ipairs(cjson.decode(keys)) do
        note_orphan(key) -- the job was removed meanwhile
      end
    end
    return ''
  end
  charge_slot(id, slot_cost)
  local took = { device_us = tonumber(device_us), bytes_in = tonumber(bytes_in) }
  if status ~= 'canceling' then -- else nobody gets the picture
    took.pixels, took.bytes_out = tonumber(pixels), tonumber(out)
  end
  account_attempt(id, took)
  if status == 'canceling' then
    end_job(id, 'canceled')
    return 'canceled'
  end
  if bytes == '0' then
    end_job(id, to, field, value, 'started_ms', started_ms)
  else
    end_job(id, to, field, value, 'started_ms', started_ms, 'stored', bytes)
    add_to(stored_key(), read(id, 'owner')[1], tonumber(bytes))
  end
  if read(id, 'suspect')[1] then
    erase(id, 'suspect') -- the worker outlived it
  end
  if to == 'succeeded' then
    count_stages(value)
  end
  return to
end

local ended = {}
gather_counts()
for i = 1, #ARGV, 13 do
  local well, status = pcall(finish, unpack(ARGV, i, i + 12))
  ended[#ended + 1] = well and status or 'error ' .. tostring(type(status) == 'table' and status.err or status)
end
write_counts()
return { ended, freed }
