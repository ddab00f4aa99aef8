-- Notes how many jobs ended so far and how long their stages took, and how many wait and run now: a point of each
-- series.
-- ARGV: waiting time of the oldest job in ms (-1: none), then for each series its name, the milliseconds of a point,
-- and the number of points to keep.
-- Returns nothing.
-- A point is overwritten until its time is over, so the last note of each stays.
--- include keys, basics, when_full
also_when_full()
local now = now_ms()
local counts = { at = now, oldest = tonumber(ARGV[1]), succeeded = 0, failed = 0, canceled = 0, expired = 0 }
counts.queued, counts.running, counts.stage, counts.timed = 0, 0, {}, {}

local function add(status, number)
  if counts[status] then
    counts[status] = counts[status] + tonumber(number)
  end
end

local ended = redis.call('HGETALL', tallies_key())
for i = 1, #ended, 2 do
  add(string.match(ended[i], '^ended:[^:]+:(.+)$'), ended[i + 1])
  local what, stage = string.match(ended[i], '^(%a+):(.+)$')
  if what == 'stage' or what == 'timed' then
    counts[what][stage] = ended[i + 1] -- as text, which keeps all digits
  end
end
local load = redis.call('HGETALL', load_key())
for i = 1, #load, 2 do
  local status = string.match(load[i], ':(.+)$')
  if status == 'queued' or status == 'running' then
    add(status, load[i + 1])
  end
end
local point = cjson.encode(counts)
for i = 2, #ARGV, 3 do
  redis.call('HSET', series_key(ARGV[i]), math.floor(now / ARGV[i + 1]) % ARGV[i + 2], point)
end
