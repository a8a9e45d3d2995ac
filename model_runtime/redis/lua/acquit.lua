-- A lost lease is not held against a session: the worker that had it then was starved.
-- KEYS: session. ARGV: prefix, the epoch that was lost.
-- Does nothing the second time, or where something was done for the session since; nor for a session
-- that was acquitted often with nothing done for it in between: it may be what stops its workers.
local MOST = 6
local lost = redis.call('HGET', KEYS[1], 'lost_epochs')
if not lost then return 0 end
local left, found = {}, 0
for loss in string.gmatch(lost, '%S+') do
  if string.match(loss, '%d+') == ARGV[2] then
    found = 1
  else
    left[#left + 1] = loss
  end
end
if found == 0 then return 0 end
if redis.call('HINCRBY', KEYS[1], 'acquitted', 1) > MOST then return 0 end
if #left == 0 then
  redis.call('HDEL', KEYS[1], 'lost_epochs')
else
  redis.call('HSET', KEYS[1], 'lost_epochs', table.concat(left, ' '))
end
return 1
