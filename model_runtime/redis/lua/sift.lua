-- Read streams without ever answering with more than their reader can take.
-- An entry larger than the limit, which no legal one is, is answered as one of the kind "oversize".
-- KEYS: streams. ARGV: most entries of each, most bytes in all, largest entry in bytes, and for each
--       stream the id behind which it is read. Answers as XREAD does; who is given nothing asks again.
-- Of the bytes counts all that was looked at: Redis does nothing else meanwhile.
local count, left, largest = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])

local function size_of(fields)
  local size = 0
  for _, word in ipairs(fields) do
    size = size + #word
  end
  return size
end

local streams = {}
for i, stream in ipairs(KEYS) do
  local entries, place = {}, ARGV[i + 3]
  while left > 0 and #entries < count and place ~= '18446744073709551615-18446744073709551615' do
    local entry = redis.call('XRANGE', stream, '(' .. place, '+', 'COUNT', 1)[1]
    if not entry then break end
    local size = size_of(entry[2])
    left = left - size
    place = entry[1]
    if size > largest then
      entry[2] = {'v', '2', 'k', 'oversize'}
    end
    entries[#entries + 1] = entry
  end
  if #entries > 0 then
    streams[#streams + 1] = {stream, entries}
  end
end
return streams
