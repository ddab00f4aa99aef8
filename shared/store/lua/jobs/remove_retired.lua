-- ARGV: ids of jobs that `retire` answered. Removes their records.
--- include basics, when_full, removal
also_when_full()
for _, id in ipairs(ARGV) do
  if read(id, 'retired')[1] then
    remove_job(id, false)
  end
end
