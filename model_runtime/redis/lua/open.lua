-- Begin a session, or attach to one whose client has gone, and tell the client, who may ask again.
-- KEYS: fleet. ARGV: prefix, tenant, session name, client token, request, options, client lease ms,
--       grace ms, worker lease ms, why the request is refused, if it is, when it was made in ms,
--       how many leases a session may cost workers.
-- A first epoch is the time in seconds, so that it rises even if Redis forgot the last one.
local prefix, tenant, name, token, request = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local hash, client = prefix .. 'session:' .. name, prefix .. 'client:' .. name
local grace_ms = ARGV[8]

local function tell(verdict, generation, read, error)
  local notices = prefix .. 'notices:' .. tenant .. '.' .. token
  redis.call('XADD', notices, 'MAXLEN', '~', 1000, '*', 'v', '2', 'r', request, 'a', verdict,
    'g', generation or 0, 'l', read or '0-0', 'p', grace_ms, 'e', error or '')
  redis.call('PEXPIRE', notices, 60000)
  return verdict
end

-- The time in milliseconds: a Redis that forgot some clients must not give their generation away
-- again, one of them may go on with it. Above what is known and written whatever the clock says,
-- but for numbers that no generation ever has: a client may have written any, and these overflow.
local function possible(generation)
  return generation and generation < 2^53 and generation or 0
end

local function next_generation()
  local known = possible(tonumber(redis.call('HGET', hash, 'generation')))
  local last = redis.call('XREVRANGE', prefix .. 'in:' .. name, '+', '-', 'COUNT', 1)[1]
  local written = last and possible(tonumber(string.match(last[1], '^%d+'))) or 0
  local generation = string.format('%d', math.max(known + 1, written + 1, now_ms()))
  redis.call('HSET', hash, 'generation', generation)
  redis.call('HINCRBY', hash, 'clients', 1)
  return generation
end

local function admit(verdict, read)
  local generation = next_generation()
  redis.call('SET', client, token .. ' ' .. generation .. ' ' .. read, 'PX', grace_ms)
  redis.call('HSET', hash, 'request', request, 'verdict', verdict, 'read', read)
  return tell(verdict, generation, read)
end

-- The client has asked again since, or nobody waits any more.
if now_ms() - ARGV[11] > 5000 then
  return 'late'
end
if ARGV[10] ~= '' then
  return tell('refused', 0, '0-0', ARGV[10])
end
local state, asked, verdict, generation, began, epoch, number, lost = unpack(redis.call(
  'HMGET', hash, 'state', 'request', 'verdict', 'generation', 'read', 'epoch', 'number', 'lost_epochs'))
if state == 'open' and asked == request then
  return tell(verdict, generation, began)
end
if state == 'open' then
  -- A client writes that key itself: it may hold anything.
  local said = redis.pcall('GETRANGE', client, 0, 127)
  local holder, read = string.match(type(said) == 'string' and said or '', '^(%x+) %d+ (%d+%-%d+)$')
  if holder and grace_ms - redis.call('PTTL', client) < tonumber(ARGV[7]) then
    return tell('in_use')
  end
  return admit('attached', read or epoch .. '-' .. (number or 0))
end
if select(2, string.gsub(lost or '', '%d+', '')) > tonumber(ARGV[12]) then
  local left_s = math.ceil(redis.call('PTTL', hash) / 1000)
  return tell('refused', 0, '0-0', 'workers that had this session lost their leases; it is not taken '
    .. 'again for ' .. left_s .. ' s')
end
local worker, alive = least_loaded(prefix, nil)
if not worker then
  return tell(alive and 'busy' or 'no_worker')
end
epoch = math.max(tonumber(epoch or 0), math.floor(now_ms() / 1000))
for _, kind in ipairs({'in:', 'out:', 'journal:', 'snapshot:', 'session:'}) do
  redis.call('DEL', prefix .. kind .. name)
end
redis.call('HSET', hash, 'state', 'open', 'epoch', epoch, 'options', ARGV[6], 'written', 0,
  'grace', grace_ms)
redis.call('XADD', prefix .. 'in:' .. name, '0-1', 'v', '2', 'k', 'begin')
-- Whoever has it puts this off again and again.
redis.call('PEXPIRE', hash, 600000)
redis.call('PEXPIRE', prefix .. 'in:' .. name, 600000)
give(prefix, name, worker)
show_room(prefix, {tenant}, ARGV[9])
return admit('placed', '0-0')
