-- Every key in Redis. Stored data depends on these names: a key may be added, but no name may change its meaning.
--
-- Times are milliseconds since the epoch by Redis' own clock, unless a line says otherwise. Ids of jobs and batches
-- sort by time of creation; the ids of a batch's jobs begin with the batch's id and sort by line. A sorted set "of
-- ids" has all its members at score 0, so it sorts by id. Scripts compute their keys, so Redis Cluster cannot be
-- used; Celery does not run on it either.
--
-- Each function is one line: a script is sent to Redis with only the lines that it uses (redis/lua.py).

local PREFIX = KEYS[1]

-- Jobs

-- hash: the record of a job
local function job_key(id) return PREFIX .. 'job:' .. id end
-- channel: tells that a job or batch has changed, with its new `seq`; 0 if it was removed
local function changed_channel(id) return PREFIX .. 'changed:' .. id end
-- sorted set of ids of an owner's jobs
local function jobs_key(owner) return PREFIX .. 'jobs:' .. owner end
-- sorted set of ids of an owner's failed jobs, the dead letters
local function dead_key(owner) return PREFIX .. 'dead:' .. owner end
-- sorted set of ids of an owner's jobs with a tag
local function tagged_key(owner, tag) return PREFIX .. 'tagged:' .. owner .. ':' .. tag end
-- hash by owner: the number of the owner's jobs that stand in `tagged:` with all of their tags
local function indexed_key() return PREFIX .. 'indexed' end
-- sorted set: ids of jobs that have a `start_within`, by the time at which it ends
local function deadlines_key() return PREFIX .. 'deadlines' end
-- sorted set: ids of batches, and of jobs without a batch, by the time at which they ended
local function ended_key() return PREFIX .. 'ended' end

-- Owners

-- set: owners that have jobs, batches or deliveries; some may have none any more. Python keeps `owners:looked`, a
-- string that exists once `owners` also has the owners that older versions did not enter.
local function owners_key() return PREFIX .. 'owners' end
-- hash by status: the number of an owner's jobs
local function counts_key(owner) return PREFIX .. 'counts:' .. owner end
-- string: which request came with an Idempotency-Key, and what it created: "<digest> <id>"
local function idempotency_key(name) return PREFIX .. 'idempotency:' .. name end
-- sorted set: an owner's idempotency keys, by the time until which they are remembered
local function idempotent_key(owner) return PREFIX .. 'idempotent:' .. owner end
-- hash by owner: bytes of the owner's results and uploads
local function stored_key() return PREFIX .. 'stored' end
-- hash by owner: bytes of the owner's records; records of versions that did not count them are left out
local function record_bytes_key() return PREFIX .. 'record_bytes' end

-- hash by running:<owner> and waiting:<owner>: limits that operators set for an owner
local function limits_key() return PREFIX .. 'limits' end

-- Waiting jobs. A line is the waiting jobs of one lane that belong to one batch, or to one owner and no batch.

-- sorted set: ids of the jobs of a line; those of an owner by the time at which they were queued, those of a batch at
-- 0
local function line_key(lane, name) return PREFIX .. 'line:' .. lane .. ':' .. name end
-- sorted set: an owner's batches that have waiting jobs in the lane, by the time at which they were queued
local function batch_line_key(lane, owner) return PREFIX .. 'batchline:' .. lane .. ':' .. owner end
-- hash: `base` is the usual cost of the line's jobs; the other fields are the other costs that jobs of it have
local function costs_key(lane, name) return PREFIX .. 'costs:' .. lane .. ':' .. name end
-- sorted set: the jobs of a line that have this cost instead of the base, with the same scores as in the line
local function dear_key(lane, name, cost) return PREFIX .. 'dear:' .. lane .. ':' .. name .. ':' .. cost end
-- sorted set: owners with waiting jobs, by the start tag of the owner's next job (lib/queue/turns.lua)
local function turns_key(lane) return PREFIX .. 'turns:' .. lane end
-- string: the start tag of the job that started last
local function turn_key(lane) return PREFIX .. 'turn:' .. lane end
-- sorted set: ids of jobs that wait for a retry, by the time at which it is due
local function scheduled_key(lane) return PREFIX .. 'scheduled:' .. lane end
-- sorted set: ids of jobs that no live worker understood, by the record version that they need
local function parked_key(lane) return PREFIX .. 'parked:' .. lane end
-- sorted set: owners with waiting jobs that rest in the lane, because as many jobs of theirs run as may (caps.lua), by
-- the start tag that they had in `turns:`
local function capped_key(lane) return PREFIX .. 'capped:' .. lane end
-- set: owners that rest in a lane, or did
local function resting_key() return PREFIX .. 'resting' end
-- set: lanes of which no job starts
local function paused_key() return PREFIX .. 'paused' end

-- Messages in the broker

-- sorted set: calls, which ask for the lane's next job, by the time at which they were sent; <call>x<n> asks for n jobs
local function calls_key(lane) return PREFIX .. 'calls:' .. lane end
-- string: the number of calls that were ever sent
local function called_key() return PREFIX .. 'called' end
-- sorted set: ids of jobs that a message names, by the time at which it was sent
local function dispatched_key(lane) return PREFIX .. 'dispatched:' .. lane end
-- string: an operator's minimum for the number of messages in the broker per lane
local function window_key() return PREFIX .. 'window' end
-- sorted set: lanes, by the time at which the youngest message that has arrived was sent
local function taken_key() return PREFIX .. 'taken' end
-- hash: `at` is a time, `sent` is what `taken` said of the lane at that time
local function overtaken_key(lane) return PREFIX .. 'overtaken:' .. lane end

-- Workers

-- sorted set: ids of the jobs that workers hold, by the end of the lease
local function leases_key() return PREFIX .. 'leases' end
-- set: ids of the jobs that a worker process holds
local function held_key(process) return PREFIX .. 'held:' .. process end
-- hash: `at` is the time of the last sweep, `pace` the time between it and the one before
local function swept_key() return PREFIX .. 'swept' end
-- sorted set: ids of worker processes, by the time of the last heartbeat in seconds
local function workers_key() return PREFIX .. 'workers' end
-- hash by worker process: its description of itself, as JSON
local function worker_infos_key() return PREFIX .. 'worker:infos' end
-- hash by lanes: the last rate that a worker of these lanes measured; outlives the worker
local function worker_rates_key() return PREFIX .. 'worker:rates' end
-- set: worker processes that an operator drains
local function workers_draining_key() return PREFIX .. 'workers:draining' end
-- set: worker processes that understand calls
local function workers_calls_key() return PREFIX .. 'workers:calls' end
-- set: worker processes that understand calls for several jobs
local function workers_bundles_key() return PREFIX .. 'workers:bundles' end
-- string: the token of the worker that leads a step which only one worker does at a time
local function step_key(step) return PREFIX .. 'step:' .. step end

-- Counters

-- hash by <lane>:<status>: the number of jobs
local function load_key() return PREFIX .. 'load' end
-- hash: events since the beginning, by ended:<lane>:<status>, failed:<code>, taken:<lane> (from a silent worker); of
-- jobs that succeeded stage:<stage>, the microseconds in it, and timed:<stage>, the number of jobs that had it; and by
-- used:<what> what jobs took (accounts.lua)
local function tallies_key() return PREFIX .. 'tallies' end
-- hash: events within ten seconds, without stages; kept for twenty minutes
local function recent_key(ten_seconds) return PREFIX .. 'recent:' .. ten_seconds end

-- hash by place: the points of a series, as JSON; a place is used again when its turn comes
local function series_key(name) return PREFIX .. 'series:' .. name end

-- hash by <API key>:<what>: what the jobs of an owner took on a day, counted from 1970-01-01 (accounts.lua)
local function account_key(owner, day) return PREFIX .. 'account:' .. owner .. ':' .. day end
-- sorted set: owners that have an account, by its last day
local function accounted_key() return PREFIX .. 'accounted' end

-- Objects in the bucket. An upload is called <owner>/<digest>.

-- hash by upload: its reference count, the number of times that jobs name it; there is no field for 0
local function named_key() return PREFIX .. 'named' end
-- sorted set: uploads, by the time at which they were announced; negative if the owner has since deleted a job that
-- named the upload, 0 if it was never announced. A due upload that a job names is taken out.
local function uploads_key() return PREFIX .. 'uploads' end
-- sorted set: an owner's uploads that no job has named since they were announced, by the time of the announcement
local function announced_key(owner) return PREFIX .. 'announced:' .. owner end
-- hash by upload: its size in bytes, as announced
local function upload_bytes_key() return PREFIX .. 'upload_bytes' end
-- string: the number of jobs whose uploads are in `named`; the field `counted` of such a job has the generation
local function counted_key() return PREFIX .. 'counted' end
-- string: the generation of these counts; it rises when they begin anew
local function generation_key() return PREFIX .. 'generation' end
-- sorted set: orphaned objects, which no record knows any more, by the time since when
local function doomed_key() return PREFIX .. 'doomed' end
-- sorted set: objects that workers are removing, by the end of the lease
local function removing_key() return PREFIX .. 'removing' end

-- Batches

-- hash: the record of a batch; the number of its jobs by status is part of it
local function batch_key(id) return PREFIX .. 'batch:' .. id end
-- sorted set of ids of an owner's batches
local function batches_key(owner) return PREFIX .. 'batches:' .. owner end
-- sorted set: the lines that became no job, as JSON, by line number
local function rejected_key(batch) return PREFIX .. 'rejected:' .. batch end
-- list: ids of jobs in the order in which they ended; a retried job appears again
local function done_key(batch) return PREFIX .. 'done:' .. batch end
-- sorted set: batches that an API process is reading, by the end of its lease
local function validating_key() return PREFIX .. 'validating' end
-- sorted set: batches whose results are to be written, by the time from which
local function finalizing_key() return PREFIX .. 'finalizing' end
-- set: batches whose jobs are being canceled in steps
local function canceling_key() return PREFIX .. 'canceling' end
-- set: batches whose jobs are being removed in steps; one with the field `deleted` is not shown to anybody any more
local function discarding_key() return PREFIX .. 'discarding' end
-- set: batches whose waiting jobs are being given to another lane in steps
local function moving_key() return PREFIX .. 'moving' end
-- set: batches that have a new owner and whose jobs are being given to it in steps
local function adopting_key() return PREFIX .. 'adopting' end

-- Bulk actions

-- hash: the record of a bulk action; expires a week after it was made
local function bulk_key(id) return PREFIX .. 'bulk:' .. id end
-- sorted set of ids of an owner's bulk actions
local function bulks_key(owner) return PREFIX .. 'bulks:' .. owner end
-- set: ids of bulk actions that have a next step
local function bulk_working_key() return PREFIX .. 'bulk_working' end

-- Webhooks

-- hash: the record of a delivery
local function delivery_key(id) return PREFIX .. 'delivery:' .. id end
-- sorted set of ids of an owner's deliveries
local function deliveries_key(owner) return PREFIX .. 'deliveries:' .. owner end
-- sorted set of ids of the deliveries about a job or batch
local function deliveries_of_key(subject) return PREFIX .. 'deliveries_of:' .. subject end
-- sorted set: ids of an owner's deliveries that are delivered or given up, by the time at which that happened
local function settled_key(owner) return PREFIX .. 'settled:' .. owner end
-- sorted set: ids of deliveries to a host, by the time from which each may be sent
local function outbox_key(host) return PREFIX .. 'outbox:' .. host end
-- sorted set: hosts that have deliveries to be sent, by the time at which to look again
local function outboxes_key() return PREFIX .. 'outboxes' end
-- sorted set: ids of deliveries that are being sent to a host, by the end of the sender's lease
local function sending_key(host) return PREFIX .. 'sending:' .. host end
-- set: hosts that did not respond the last time
local function silent_hosts_key() return PREFIX .. 'silent_hosts' end
-- sorted set: the secrets that sign an owner's webhooks, by the time until which
local function webhook_secrets_key(owner) return PREFIX .. 'webhook_secrets:' .. owner end

-- Operation

-- sorted set of the entries of the audit log, each its id and itself as JSON; `operators` has the actions of admins and
-- of commands, `owners` those of other keys, so that no owner pushes out what operators did
local function audit_key(list) return PREFIX .. 'audit:' .. list end

-- Others

-- a key that never exists (when_full.lua)
local function nothing_key() return PREFIX .. 'nothing' end
