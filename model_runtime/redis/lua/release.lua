-- Hand a session to the least loaded other worker; without one it stays where dead workers' are.
-- KEYS: session. ARGV: prefix, session key, own token, epoch.
local prefix, key, token = ARGV[1], ARGV[2], ARGV[3]
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[4] then
  return 'fenced'
end
local worker = least_loaded(prefix, token)
if not worker then
  return 'full'
end
redis.call('SREM', prefix .. 'owned:' .. token, key)
give(prefix, key, worker)
return 'given'
