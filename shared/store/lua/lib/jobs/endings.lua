-- How a job ends, or goes back to the queue.
--- include keys, basics, waiting, orphans, transitions

local function drop_claim(id)
  local process = read(id, 'process')[1]
  if process then
    redis.call('SREM', held_key(process), id)
  end
  erase(id, 'token', 'process', 'shared', 'progress')
end

-- Ends a job, with a result or an error (`field`) as JSON (`value`) and further fields. Returns false if its status
-- does not allow that.
local function end_job(id, to, field, value, ...)
  local from = read(id, 'status')[1]
  if not transition(id, to, { 'finished_ms', now_ms(), field, value, ... }) then
    return false
  end
  if field == 'error' then
    count_event('failed:' .. cjson.decode(value).code)
  end
  drop_claim(id)
  if from == 'queued' then
    leave_queue(id)
  else
    redis.call('ZREM', leases_key(), id) -- a held job is in no other list
  end
  note_orphaned_preview(id)
  return true
end

local function requeue(id)
  if not transition(id, 'queued') then
    return false
  end
  drop_claim(id)
  redis.call('ZREM', leases_key(), id)
  return true
end

-- Ends a waiting job at once; asks the worker of a running job to stop.
local function cancel_job(id)
  local status = read(id, 'status')[1]
  if status == 'queued' then
    end_job(id, 'canceled')
  elseif status == 'running' then
    transition(id, 'canceling')
  end
end
