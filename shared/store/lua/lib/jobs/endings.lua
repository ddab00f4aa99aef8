--- include keys, basics, waiting, orphans, transitions

-- Its worker holds a job no more.
local function drop_claim(id)
  local process = read(id, 'process')[1]
  if process then
    redis.call('SREM', PREFIX .. 'held:' .. process, id)
  end
  redis.call('HDEL', job_key(id), 'token', 'process', 'shared', 'progress')
end

-- `value`: the error as JSON, if `field` is that.
local function end_job(id, to, field, value)
  if not transition(id, to, { 'finished_ms', now_ms(), field, value }) then
    return false
  end
  if field == 'error' then
    count_event('failed:' .. cjson.decode(value).code)
  end
  drop_claim(id)
  leave_queue(id)
  note_orphaned_preview(id)
  return true
end

local function requeue(id)
  if not transition(id, 'queued') then
    return false
  end
  drop_claim(id)
  redis.call('ZREM', PREFIX .. 'leases', id)
  return true
end

-- Ends a waiting job at once, asks the worker of a running one to let go.
local function cancel_job(id)
  local status = read(id, 'status')[1]
  if status == 'queued' then
    end_job(id, 'canceled')
  elseif status == 'running' then
    transition(id, 'canceling')
  end
end
