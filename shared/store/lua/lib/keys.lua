-- Each script is one atomic step: record, indexes and counters change together or not at all.
--
--   job:<id>                   hash    the record
--   jobs:<owner>               zset    ids of an owner, all at score 0; ids sort by time of creation, and within
--                                      a batch, which is a prefix of its jobs' ids, by line
--   owners                     set     owners that have jobs, batches or deliveries; some may have none any more
--   owners:looked              string  while it is there, `owners` has also those that older versions did not enter
--   tagged:<owner>:<tag>       zset    ids of an owner's with a tag, as jobs:<owner>
--   indexed                    hash    how many of its jobs stand in there with all of their tags, by owner
--   counts:<owner>             hash    jobs by status
--   load                       hash    jobs by <lane>:<status>
--   line:<lane>:<owner>        zset    single jobs that wait in the store, by the time they were queued
--   line:<lane>:<batch>        zset    jobs of a batch that wait in the store, by line
--   batchline:<lane>:<owner>   zset    batches with waiting jobs, by the time they were queued
--   costs:<lane>:<owner or batch>  hash  what a job of such a line costs (base), and the other costs that some have
--   dear:<lane>:<owner or batch>:<cost>  zset  jobs of the line that have another cost, with the line's scores
--   turns:<lane>               zset    owners with waiting jobs, by the start tag of the next of them (waiting.lua)
--   turn:<lane>                string  the start tag of the job that started last
--   scheduled:<lane>           zset    ids that wait for a retry, by its time
--   calls:<lane>               zset    messages in the broker that call for the lane's next job, by the time of sending
--   called                     string  how many there ever were
--   dispatched:<lane>          zset    ids that a message in the broker names, by the time it was sent
--   paused                     set     lanes of which nothing starts
--   parked:<lane>              zset    ids that the worker that met them did not understand, by the level that they need
--   leases                     zset    ids that a worker holds, by the end of the lease
--   swept                      hash    the time of the last sweep (at), and since the one before (pace)
--   held:<process>             set     ids that a worker process holds
--   workers                    zset    ids of worker processes, by the time of the last heartbeat, in seconds
--   worker:infos               hash    what each of them says of itself, as JSON
--   worker:rates               hash    the last rate that a worker measured, by the lanes it serves; outlives workers
--   workers:draining           set     those that an operator wants to end
--   workers:calls              set     those that know messages which name no job
--   taken                      zset    lanes, by the latest time at which a message was sent that has arrived
--   overtaken:<lane>           hash    `at` some time, `sent` as in `taken` then
--   deadlines                  zset    ids with a start_within, by its end
--   dead:<owner>               zset    ids that failed, as jobs:<owner>
--   recent:<10 s since epoch>  hash    as tallies, what happened in these ten seconds; kept for twenty minutes
--   tallies                    hash    what happened since the beginning, by ended:<lane>:<status>, failed:<code>,
--                                      taken:<lane> (from a silent worker)
--   ended                      zset    jobs without a batch, and batches, by the time they ended
--   named                      hash    how often jobs name an upload, by <owner>/<digest>; none is 0
--   uploads                    zset    <owner>/<digest>, by when it was announced, with a minus if its owner deleted a job
--                                      that named it; 0: never. Due ones that a job names are taken out
--   announced:<owner>          zset    <owner>/<digest> that no job has named since it was announced, by when that was
--   upload_bytes               hash    the size of an upload, as it was announced, by <owner>/<digest>
--   stored                     hash    bytes of an owner's results and uploads, by owner
--   record_bytes               hash    bytes of an owner's records (`bytes` of each job and batch), by owner
--   idempotent:<owner>         zset    names of idempotency keys, by the time until which they are remembered
--   places                     hash    the job that has a place for its picture, by place, if its client chose it
--   doomed                     zset    keys of pictures and results that nothing knows of any more, by since when
--   removing                   zset    keys of all objects that workers are removing, by the end of the lease
--   counted                    string  number of jobs whose uploads are in `named`: those with `counted` = `generation`
--   step:<step>                string  who does a step that one worker does for all
--   batch:<id>                 hash    the batch's record, its jobs by status among it
--   batches:<owner>            zset    batch ids of an owner, as jobs:<owner>
--   rejected:<batch>           zset    lines that became no job, as JSON, by their number
--   done:<batch>               list    ids in the order in which they ended; once more after each retry
--   validating                 zset    batches that an API process is reading, by the end of its lease
--   finalizing                 zset    batches whose results are to be written, not before this time
--   canceling, discarding      set     batches whose jobs are being canceled or removed, some at a time
--   adopting                   set     batches that have a new owner and whose jobs are being given to it, likewise
--   delivery:<id>              hash    a webhook that is to be sent, or was
--   deliveries:<owner>         zset    ids of an owner's, as jobs:<owner>
--   deliveries_of:<id>         zset    ids of those that tell of a job or batch, likewise
--   settled:<owner>            zset    ids of an owner's that need not be sent any more, by the time that became so
--   outbox:<host>              zset    ids to be sent to a host, not before this time
--   outboxes                   zset    hosts to which something is to be sent, by the time to look again
--   sending:<host>             zset    ids that are being sent, by the end of the sender's lease
--   silent_hosts               set     hosts that gave no answer the last time
--   webhook_secrets:<owner>    zset    what an owner's webhooks are signed with, by the time until which
--
-- Times are milliseconds since the epoch by Redis' own clock. Keys are computed here, so Redis Cluster
-- is out; Celery does not run on it either.

local PREFIX = KEYS[1]

local function job_key(id)
  return PREFIX .. 'job:' .. id
end

local function batch_key(id)
  return PREFIX .. 'batch:' .. id
end

local function delivery_key(id)
  return PREFIX .. 'delivery:' .. id
end
