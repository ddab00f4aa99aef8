-- ARGV: ids of jobs that `retire` answered. Removes their records.
also_when_full()
for _, id in ipairs(ARGV) do
  if read(id, 'retired')[1] then
    remove(id, false)
  end
end
