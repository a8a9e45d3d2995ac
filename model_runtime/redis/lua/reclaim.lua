-- After a lost lease or a Redis that forgot everything: is a session still this worker's?
-- Whoever attends first is the client again.
-- `written` is -1 until the worker's snapshot has come.
-- KEYS: session. ARGV: prefix, session key, own token, epoch, options, client generation.
local prefix, key, token = ARGV[1], ARGV[2], ARGV[3]
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if epoch and epoch ~= ARGV[4] then
  return 'fenced'
end
if epoch then
  return redis.call('HGET', KEYS[1], 'written') == '-1' and 'restored' or 'kept'
end
redis.call('HSET', KEYS[1], 'state', 'open', 'epoch', ARGV[4], 'worker', token, 'client', '',
  'generation', ARGV[6], 'clients', 1, 'seen', now_ms(), 'options', ARGV[5], 'written', -1)
redis.call('XADD', prefix .. 'in:' .. key, '0-1', 'v', '1', 'k', 'begin')
redis.call('SADD', prefix .. 'owned:' .. token, key)
return 'restored'
