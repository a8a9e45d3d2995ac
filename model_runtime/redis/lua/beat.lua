-- Renew a worker's lease, share out what dead workers held, find sessions without a client.
-- KEYS: fleet. ARGV: prefix, token, worker name, slots, lease ms, grace ms, 1 to share sessions out,
--       longest stream of a tenant, tenants that the worker knows of, separated by spaces, and
--       sessions whose clients are looked for. Returns also the tenants that are served.
local prefix, token = ARGV[1], ARGV[2]
local name = prefix .. 'name:' .. ARGV[3]
local holder = redis.call('GET', name)
if holder and holder ~= token then
  return {'replaced', 0, {}, {}}
end
local fresh = 1 - redis.call('EXISTS', prefix .. 'worker:' .. token)
redis.call('SET', name, token, 'PX', ARGV[5])
redis.call('SADD', KEYS[1], token)
redis.call('HSET', prefix .. 'worker:' .. token, 'slots', ARGV[4])
redis.call('PEXPIRE', prefix .. 'worker:' .. token, ARGV[5])

-- A session whose workers lose their leases one soon after the other, and that does nothing in
-- between, may be why; one that they had not looked at yet is not. See write.lua and acquit.lua.
-- The epoch of a worker that had `gone` is marked: it will not come back to acquit.
local function count_loss(key, worker, gone)
  if redis.call('LPOS', prefix .. 'todo:' .. worker, key) then return end
  local hash, now = prefix .. 'session:' .. key, now_ms()
  local epoch, lost, at = unpack(redis.call('HMGET', hash, 'epoch', 'lost_epochs', 'lost_at'))
  local recent = now - (tonumber(at or 0) or 0) < 60000
  lost = recent and lost and lost .. ' ' or ''
  lost = lost .. (epoch or 0) .. (gone and '!' or '')
  redis.call('HSET', hash, 'lost_epochs', lost, 'lost_at', now)
end

-- A node on which this worker does not listen itself, or may not ask, knows nothing about the others.
local function has_gone(worker)
  local asked, here = pcall(listens, prefix, token)
  return asked and here and not listens(prefix, worker)
end

-- Each of these fills a slot, which takes its worker a while: so many workers get few each.
-- Not one that has been silent for half a lease, and might be stopped.
-- A worker whose own lease had lapsed waits for one beat: after a pause of Redis all of them had.
if ARGV[7] == '1' and fresh == 0 then
  for _, other in ipairs(redis.call('SMEMBERS', KEYS[1])) do
    if redis.call('EXISTS', prefix .. 'worker:' .. other) == 0 then
      local theirs, gone = prefix .. 'owned:' .. other, has_gone(other)
      for _, key in ipairs(redis.call('SMEMBERS', theirs)) do
        local heir = least_loaded(prefix, nil, ARGV[5] / 2)
        if not heir then break end
        redis.call('SREM', theirs, key)
        if redis.pcall('HGET', prefix .. 'session:' .. key, 'state') == 'open' then
          count_loss(key, other, gone)
          give(prefix, key, heir)
        end
      end
      if redis.call('SCARD', theirs) == 0 then
        redis.call('SREM', KEYS[1], other)
        redis.call('DEL', prefix .. 'todo:' .. other)
      end
    end
  end
end

-- A stream in which somebody wrote the largest id there is takes nothing more, even when it is empty.
-- That is what Redis looks for first; any other refuses this entry, and one without a past drops it.
local function drop_exhausted(stream)
  local tried = redis.pcall('XADD', stream, 'NOMKSTREAM', 'MAXLEN', 0, '0-1', 'v', '2')
  if type(tried) == 'table' and string.find(tried.err or '', 'exhausted', 1, true) then
    redis.call('UNLINK', stream)
  end
end

-- A Redis that forgot everything is told again; a tenant that was taken off the list stays off it.
if fresh == 1 or #redis.call('SMEMBERS', prefix .. 'tenants') == 0 then
  for tenant in string.gmatch(ARGV[9], '%S+') do
    redis.call('SADD', prefix .. 'tenants', tenant)
  end
end
local tenants = redis.call('SMEMBERS', prefix .. 'tenants')
for _, tenant in ipairs(tenants) do
  for _, kind in ipairs({'requests:', 'news:'}) do
    redis.pcall('XTRIM', prefix .. kind .. tenant, 'MAXLEN', ARGV[8])
    drop_exhausted(prefix .. kind .. tenant)
  end
end
show_room(prefix, tenants, ARGV[5])

local lonely = {}
for i = 10, #ARGV do
  local client = prefix .. 'client:' .. ARGV[i]
  local left_ms = redis.call('PTTL', client)
  if left_ms == -2 and redis.pcall('HGET', prefix .. 'session:' .. ARGV[i], 'state') == 'open' then
    lonely[#lonely + 1] = ARGV[i]
  elseif left_ms == -1 or left_ms > tonumber(ARGV[6]) then
    redis.call('PEXPIRE', client, ARGV[6])
  end
end
return {'ok', fresh, lonely, tenants}
