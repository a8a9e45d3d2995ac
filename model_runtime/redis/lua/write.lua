-- Write what some steps did to a session, all or nothing, if the worker still owns it.
-- KEYS: session, out, journal, snapshot, in, set of the worker's sessions.
-- ARGV: epoch, write number, snapshot, first input id to keep, longest out stream,
--       how long to keep what is left in ms if this is the end, session key,
--       1 if this holds all that a Redis may lack which forgot something, how many journal
--       entries, these, then for each event number, kind, data and cursor.
local hash = KEYS[1]
if redis.call('HGET', hash, 'epoch') ~= ARGV[1] then
  return redis.call('EXISTS', hash) == 1 and 'fenced' or 'missing'
end
local written = tonumber(redis.call('HGET', hash, 'written'))
if written >= tonumber(ARGV[2]) then
  return 'again'
end
-- A replica that became the master may lack the last writes.
if written + 1 < tonumber(ARGV[2]) and ARGV[8] ~= '1' then
  return 'behind'
end
if ARGV[3] ~= '' then
  redis.call('SET', KEYS[4], ARGV[3])
  redis.call('DEL', KEYS[3])
  redis.call('XTRIM', KEYS[5], 'MINID', ARGV[4])
end
local journals = tonumber(ARGV[9])
for i = 1, journals do
  redis.call('XADD', KEYS[3], '*', 'j', ARGV[9 + i])
end
local number = tonumber(redis.call('HGET', hash, 'number') or 0)
for i = 10 + journals, #ARGV, 4 do
  if tonumber(ARGV[i]) > number then
    redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[5], ARGV[1] .. '-' .. ARGV[i],
      'v', '1', 'k', ARGV[i + 1], 'd', ARGV[i + 2], 'c', ARGV[i + 3])
    redis.call('HSET', hash, 'number', ARGV[i])
  end
end
redis.call('HSET', hash, 'written', ARGV[2])
if ARGV[6] ~= '' then
  redis.call('SREM', KEYS[6], ARGV[7])
  redis.call('HSET', hash, 'state', 'closed')
  for i = 3, 5 do
    redis.call('PEXPIRE', KEYS[i], ARGV[6])
  end
  -- The last events must reach the client even where nothing is retained.
  local rest = math.max(tonumber(ARGV[6]), 10000)
  redis.call('PEXPIRE', hash, rest)
  redis.call('PEXPIRE', KEYS[2], rest)
end
return 'ok'
