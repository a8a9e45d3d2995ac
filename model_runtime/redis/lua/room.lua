-- How full a shard is, and whether it has a session already. For clients of several shards.
-- KEYS: fleet. ARGV: prefix, session key. Returns 1 or 0, sessions, slots.
local taken, slots = 0, 0
for _, token in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  local offered = redis.call('HGET', ARGV[1] .. 'worker:' .. token, 'slots')
  if offered then
    slots = slots + tonumber(offered)
    taken = taken + redis.call('SCARD', ARGV[1] .. 'owned:' .. token)
  end
end
local state = redis.call('HGET', ARGV[1] .. 'session:' .. ARGV[2], 'state')
return {state == 'open' and 1 or 0, taken, slots}
