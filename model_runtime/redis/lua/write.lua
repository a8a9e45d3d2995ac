-- Write what some steps did to sessions: to each all or nothing, and only if the worker still owns it.
-- KEYS: set of the worker's sessions. ARGV: prefix, longest out stream, then for each session its
--       key, epoch, write number, snapshot, first input id to keep, how long to keep what is left in
--       ms if this is the end, 1 if this holds all that a Redis may lack which forgot something, how
--       many journal entries, how many events, these entries, and of each event its number, kind,
--       data and cursor. Returns a verdict on each.
-- The clients of those with events are told.
local prefix, longest = ARGV[1], ARGV[2]
-- See fleet.lua.
redis.call('EXISTS', prefix .. 'probe')

local function retire(key, hash, out, kept_ms)
  redis.call('SREM', KEYS[1], key)
  redis.call('HSET', hash, 'state', 'closed')
  for _, kind in ipairs({'journal:', 'snapshot:', 'in:'}) do
    redis.call('PEXPIRE', prefix .. kind .. key, kept_ms)
  end
  -- The last events must reach the client even where nothing is retained.
  local rest = math.max(tonumber(kept_ms), 10000)
  redis.call('PEXPIRE', hash, rest)
  redis.call('PEXPIRE', out, rest)
  redis.call('DEL', prefix .. 'client:' .. key)
end

-- A client writes that key itself: it may hold anything, and then nobody is told.
local told = {}
local function tell(key)
  local said = redis.pcall('GETRANGE', prefix .. 'client:' .. key, 0, 31)
  local token = type(said) == 'string' and string.match(said, '^%x+$')
  if token then
    local notices = prefix .. 'notices:' .. string.match(key, '^[^.]*') .. '.' .. token
    told[notices] = (told[notices] and told[notices] .. ' ' or '') .. key
  end
end

-- `at` is where the session's arguments begin, its journal and events where those do.
local function write(at, journal, events, last)
  local key, epoch, written = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  local hash, out = prefix .. 'session:' .. key, prefix .. 'out:' .. key
  local known = redis.call('HMGET', hash, 'epoch', 'written', 'number', 'journal', 'lost_epochs', 'acquitted')
  -- Somebody may have deleted the session, or some of its fields.
  if not tonumber(known[1]) or not tonumber(known[2]) then
    return 'missing'
  end
  if known[1] ~= epoch then
    return 'fenced'
  end
  if tonumber(known[2]) >= tonumber(written) then
    return 'again'
  end
  -- A replica that became the master may lack the last writes.
  if known[2] + 1 < tonumber(written) and ARGV[at + 6] ~= '1' then
    return 'behind'
  end
  if ARGV[at + 3] ~= '' then
    redis.call('SET', prefix .. 'snapshot:' .. key, ARGV[at + 3])
    redis.call('DEL', prefix .. 'journal:' .. key)
    redis.call('HSET', hash, 'snapshot', 1)
    known[4] = 0
    redis.call('XTRIM', prefix .. 'in:' .. key, 'MINID', ARGV[at + 4])
  end
  for i = journal, events - 1 do
    redis.call('XADD', prefix .. 'journal:' .. key, '*', 'j', ARGV[i])
  end
  if (known[5] or known[6]) and (ARGV[at + 3] ~= '' or journal < events) then
    redis.call('HDEL', hash, 'lost_epochs', 'acquitted')
  end
  local number = known[3] or '0'
  for i = events, last, 4 do
    if tonumber(ARGV[i]) > tonumber(number) then
      number = ARGV[i]
      -- A session that was forgotten may have left its events.
      local added = redis.pcall('XADD', out, 'MAXLEN', '~', longest, epoch .. '-' .. number,
        'v', '2', 'k', ARGV[i + 1], 'd', ARGV[i + 2], 'c', ARGV[i + 3])
      if type(added) == 'table' and not string.find(added.err, 'equal or smaller') then
        error(added)
      end
    end
  end
  -- How much there is to be read, for a worker that comes after this one.
  local noted = (tonumber(known[4]) or 0) + events - journal
  redis.call('HSET', hash, 'written', written, 'number', number, 'journal', noted)
  if events <= last then
    tell(key)
  end
  if ARGV[at + 5] ~= '' then
    retire(key, hash, out, ARGV[at + 5])
  end
  return 'ok'
end

local verdicts, at = {}, 3
while at <= #ARGV do
  local journal = at + 9
  local events = journal + ARGV[at + 7]
  local last = events + 4 * ARGV[at + 8] - 1
  verdicts[#verdicts + 1] = write(at, journal, events, last)
  at = last + 1
end
for notices, keys in pairs(told) do
  -- Somebody may have put something else there.
  if redis.call('TYPE', notices).ok ~= 'stream' then
    redis.call('UNLINK', notices)
  end
  redis.call('XADD', notices, 'MAXLEN', '~', 1000, '*', 'k', keys)
  redis.call('PEXPIRE', notices, 60000)
end
return verdicts
