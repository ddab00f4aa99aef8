-- Begins the counts of uploads anew if they are wrong: an older version removed jobs without counting.
-- ARGV: none.
-- Returns nothing.
--- include keys, when_full, uploads
also_when_full()
if not all_are_counted() then
  redis.call('SET', generation_key(), generation_of_counts() + 1)
  redis.call('DEL', named_key(), counted_key())
end
