-- Reads how much an owner has of what its quotas limit.
-- ARGV: owner, for how many ms an announcement counts (0: for ever).
-- Returns {records, deliveries to be sent, idempotency keys, announced uploads, bytes stored, bytes of records}.
--- read only
--- include quotas
local owner, since = ARGV[1], announced_since(ARGV[2])
return {
  records_of(owner), pending_deliveries_of(owner), keys_of(owner), announced_of(owner, since), stored_of(owner),
  record_bytes_of(owner),
}
