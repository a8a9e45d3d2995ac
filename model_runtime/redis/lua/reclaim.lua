-- After a lost lease or a Redis that forgot everything: is a session still this worker's?
-- Whoever attends first is the client again.
-- `written` is -1 until the worker's snapshot has come.
-- KEYS: session. ARGV: prefix, session name, own token, epoch, options, client generation, grace ms.
local prefix, name, token = ARGV[1], ARGV[2], ARGV[3]
local epoch, written = unpack(redis.call('HMGET', KEYS[1], 'epoch', 'written'))
if tonumber(epoch) and epoch ~= ARGV[4] then
  return 'fenced'
end
if tonumber(epoch) and tonumber(written) then
  return written == '-1' and 'restored' or 'kept'
end
redis.call('HSET', KEYS[1], 'state', 'open', 'epoch', ARGV[4], 'worker', token,
  'generation', ARGV[6], 'clients', 1, 'options', ARGV[5], 'written', -1, 'grace', ARGV[7])
redis.call('SET', prefix .. 'client:' .. name, '', 'PX', ARGV[7], 'NX')
-- It may be there still.
redis.pcall('XADD', prefix .. 'in:' .. name, '0-1', 'v', '2', 'k', 'begin')
redis.call('SADD', prefix .. 'owned:' .. token, name)
return 'restored'
