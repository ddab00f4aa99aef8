-- Adds an entry to one of the two lists of the audit log, which forgets its oldest ones.
-- ARGV: list, entry (its id and itself as JSON), most entries to keep.
-- Returns nothing.
--- include keys, when_full
also_when_full() -- the lists are bounded
local list, entry, most = audit_key(ARGV[1]), ARGV[2], ARGV[3]
redis.call('ZADD', list, 0, entry)
redis.call('ZREMRANGEBYRANK', list, 0, -1 - most)
