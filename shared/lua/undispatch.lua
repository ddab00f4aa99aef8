-- ARGV: ids whose message could not be published. They wait in the store again. Answers what was done,
-- as `tell` has it.
also_when_full()
for _, id in ipairs(ARGV) do
  wait_again(id)
end
return told
