-- After a lost lease or a Redis that forgot everything: is a session still this worker's?
-- Whoever attends first is the client again.
-- `written` is -1 until the worker's snapshot has come.
-- KEYS: session. ARGV: prefix, session name, own token, epoch, options, client generation, grace ms.
local prefix, name, token = ARGV[1], ARGV[2], ARGV[3]
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if epoch and epoch ~= ARGV[4] then
  return 'fenced'
end
if epoch then
  return redis.call('HGET', KEYS[1], 'written') == '-1' and 'restored' or 'kept'
end
redis.call('HSET', KEYS[1], 'state', 'open', 'epoch', ARGV[4], 'worker', token,
  'generation', ARGV[6], 'clients', 1, 'options', ARGV[5], 'written', -1, 'grace', ARGV[7])
redis.call('SET', prefix .. 'client:' .. name, '', 'PX', ARGV[7])
redis.call('XADD', prefix .. 'in:' .. name, '0-1', 'v', '2', 'k', 'begin')
redis.call('SADD', prefix .. 'owned:' .. token, name)
return 'restored'
