-- Shared by the scripts that give a session to a worker. Every key derives from the prefix,
-- whose hash tag is that of KEYS[1], so that all of them live in one cluster slot.

-- While a cluster moves that slot to another node, a key that does not exist is refused. So a script
-- stops here, before it has done anything, and not in the middle.
redis.call('EXISTS', ARGV[1] .. 'probe')

local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Redis ends the subscription of a process as soon as that dies, so a worker that does not listen is
-- dead or cut off.
local function listens(prefix, token)
  return redis.call('PUBSUB', 'NUMSUB', prefix .. 'alive:' .. token)[2] > 0
end

-- The live worker with the smallest share of its slots taken, or nil; and whether any is alive.
-- With `lease_ms` only those count whose leases last so long still.
local function least_loaded(prefix, except, lease_ms)
  local best, best_load, alive = nil, 1, false
  for _, token in ipairs(redis.call('SMEMBERS', prefix .. 'fleet')) do
    local slots = tonumber(redis.call('HGET', prefix .. 'worker:' .. token, 'slots'))
    local late = lease_ms and redis.call('PTTL', prefix .. 'worker:' .. token) < lease_ms
    if slots and token ~= except and not late then
      alive = true
      local load = redis.call('SCARD', prefix .. 'owned:' .. token) / slots
      if load < best_load then
        best, best_load = token, load
      end
    end
  end
  return best, alive
end

local function give(prefix, name, token)
  redis.call('SADD', prefix .. 'owned:' .. token, name)
  redis.call('RPUSH', prefix .. 'todo:' .. token, name)
  redis.call('HSET', prefix .. 'session:' .. name, 'worker', token)
  return redis.call('HINCRBY', prefix .. 'session:' .. name, 'epoch', 1)
end

-- What a tenant may know of the fleet: slots taken, and slots there are.
local function show_room(prefix, tenants, lease_ms)
  local taken, slots = 0, 0
  for _, token in ipairs(redis.call('SMEMBERS', prefix .. 'fleet')) do
    local offered = redis.call('HGET', prefix .. 'worker:' .. token, 'slots')
    if offered then
      slots = slots + offered
      taken = taken + redis.call('SCARD', prefix .. 'owned:' .. token)
    end
  end
  for _, tenant in ipairs(tenants) do
    redis.call('SET', prefix .. 'room:' .. tenant, taken .. ' ' .. slots, 'PX', lease_ms)
  end
end
