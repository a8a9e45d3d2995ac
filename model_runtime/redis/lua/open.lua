-- Begin a session, or attach to one whose client has gone.
-- KEYS: fleet. ARGV: prefix, session key, client token, options, client lease ms.
-- A first epoch is the time in seconds, so that it rises even if Redis forgot the last one.
local prefix, key, client = ARGV[1], ARGV[2], ARGV[3]
local hash = prefix .. 'session:' .. key

local function last_entry(stream)
  local last = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)
  return last[1] and last[1][1] or '0-0'
end

-- The time in milliseconds: a Redis that forgot some clients must not give their generation away
-- again, one of them may go on with it. Above what is known and written whatever the clock says.
local function next_generation()
  local known = tonumber(redis.call('HGET', hash, 'generation') or 0)
  local written = tonumber(string.match(last_entry(prefix .. 'in:' .. key), '^(%d+)-'))
  local generation = math.max(known + 1, written + 1, now_ms())
  redis.call('HSET', hash, 'generation', generation)
  redis.call('HINCRBY', hash, 'clients', 1)
  return generation
end

local state = redis.call('HGET', hash, 'state')
if state == 'open' then
  local seen = tonumber(redis.call('HGET', hash, 'seen'))
  local holder = redis.call('HGET', hash, 'client')
  if holder ~= client and now_ms() - seen < tonumber(ARGV[5]) then
    return {'in_use'}
  end
  redis.call('HSET', hash, 'client', client, 'seen', now_ms())
  local generation = next_generation()
  local read = redis.call('HGET', hash, 'read') or last_entry(prefix .. 'out:' .. key)
  return {'attached', generation, read}
end
local worker, alive = least_loaded(prefix, nil)
if not worker then
  return {alive and 'busy' or 'no_worker'}
end
local epoch = math.max(tonumber(redis.call('HGET', hash, 'epoch') or 0), math.floor(now_ms() / 1000))
for _, kind in ipairs({'in:', 'out:', 'journal:', 'snapshot:', 'session:'}) do
  redis.call('DEL', prefix .. kind .. key)
end
redis.call('HSET', hash, 'state', 'open', 'epoch', epoch, 'client', client,
  'seen', now_ms(), 'read', '0-0', 'options', ARGV[4], 'written', 0)
redis.call('XADD', prefix .. 'in:' .. key, '0-1', 'v', '1', 'k', 'begin')
give(prefix, key, worker)
return {'placed', next_generation(), '0-0'}
