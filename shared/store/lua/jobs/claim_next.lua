-- Claims a lane's next jobs for a call.
-- ARGV: lane, call, most, then token, lease_ms, process, alone, level, most_running as in claim.lua.
-- Returns {the jobs as {id, record, ...}; the id of a job that must run alone, or ''; recovery log}.
-- The jobs are a bundle: those that `most` calls would start one after the other. It has one job while calls of a
-- higher lane are on their way, so that the order of the lanes is that of single calls, and one if the caller is alone.
-- A job that must run alone ends the bundle before it. If it is the first, it leaves its line and counts as named by
-- the caller's message; the caller then claims it by its id. A repeated token means that the first reply was lost, so
-- it gets the same jobs. Overdue jobs end, jobs that are too new are parked, and owners at their cap rest.
--- include keys, basics, when_full, waiting, turns, caps, paused, messages, recovery_log, transitions, starts, LANES
also_when_full()
local MOST_AT_ONCE = 500 -- jobs to look at in one step
local lane, call, most, token, lease_ms, process, alone, level, most_running = unpack(ARGV)
local sent = redis.call('ZSCORE', calls_key(lane), call)
local jobs, suspect_id = {}, ''

local function hand_over(id, record)
  jobs[#jobs + 1] = id
  jobs[#jobs + 1] = record
end

for _, id in ipairs(sent and {} or redis.call('SMEMBERS', held_key(process))) do
  if string.sub(read(id, 'token')[1] or '', 1, #token) == token then
    hand_over(id, record_of(id))
  end
end
if jobs[1] then
  return { jobs, '', recovery_log }
end
note_arrival(lane, sent)
redis.call('ZREM', calls_key(lane), call)
if is_paused(lane) then
  return { jobs, '', recovery_log }
end

local function higher_lane_calls()
  for _, higher in ipairs(LANES) do
    if higher == lane then
      return false
    elseif redis.call('ZCARD', calls_key(higher)) > 0 then
      return true
    end
  end
end

-- Claims or passes over the next job. Returns false if the bundle ends before it.
local function claim_one(number)
  local id, name, owner = next_job(lane)
  if not id then
    return false
  end
  if room_of(owner, most_running) <= 0 then
    rest(lane, owner)
    return true
  end
  keep(id)
  local suspect, needs = unpack(read(id, 'suspect', 'needs'))
  if needs and tonumber(needs) > tonumber(level) then
    leave_line(lane, name, id)
    park_job(id, lane, needs)
  elseif not end_if_void(id) then
    if suspect and number > 1 then
      return false
    end
    leave_as_next(lane, id, name, owner)
    if suspect and alone ~= '1' then
      redis.call('ZADD', dispatched_key(lane), now_ms(), id)
      suspect_id = id
      return false
    end
    local own = number == 1 and token or token .. '-' .. number
    hand_over(id, start_job(id, { token = own, process = process, lease_ms = lease_ms }))
  end
  return true
end

most = (alone == '1' or (tonumber(most) > 1 and higher_lane_calls())) and 1 or tonumber(most)
gather_counts()
for _ = 1, MOST_AT_ONCE do
  if #jobs / 2 >= most or not claim_one(#jobs / 2 + 1) then
    break
  end
end
write_counts()
return { jobs, suspect_id, recovery_log }
