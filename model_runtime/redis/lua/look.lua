-- Which workers listen. Those believed dead lose their leases, if they still are silent.
-- A node on which the caller does not listen itself knows nothing about the others.
-- KEYS: fleet. ARGV: prefix, own token, tokens believed dead.
-- Returns whether the caller listens here, how many leases were ended, and each token with 1 or 0.
local prefix = ARGV[1]

local here, ended = listens(prefix, ARGV[2]), 0
for i = 3, #ARGV do
  if here and not listens(prefix, ARGV[i]) then
    ended = ended + redis.call('DEL', prefix .. 'worker:' .. ARGV[i])
    -- A token is the worker's name, a colon, and what tells its runs apart.
    local name = prefix .. 'name:' .. string.match(ARGV[i], '^(.*):')
    if redis.call('GET', name) == ARGV[i] then
      redis.call('DEL', name)
    end
  end
end

local answer = {here and 1 or 0, ended}
for _, token in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  answer[#answer + 1] = token
  answer[#answer + 1] = listens(prefix, token) and 1 or 0
end
return answer
