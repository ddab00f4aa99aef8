-- Removes the records of retired jobs.
-- ARGV: ids of jobs that retire.lua returned.
-- Returns nothing.
--- include basics, when_full, removal
also_when_full()
for _, id in ipairs(ARGV) do
  if read(id, 'retired')[1] then
    remove_job(id, false)
  end
end
