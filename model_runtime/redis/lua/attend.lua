-- A client says that it is there. Returns, for each session, whether it still is the client.
-- KEYS: fleet. ARGV: prefix, client token, session keys.
local answers = {}
for i = 3, #ARGV do
  local hash = ARGV[1] .. 'session:' .. ARGV[i]
  local client = redis.call('HGET', hash, 'client')
  if client == ARGV[2] or client == '' then
    client = ARGV[2]
    redis.call('HSET', hash, 'client', client, 'seen', now_ms())
  end
  answers[#answers + 1] = client == ARGV[2] and 1 or (client and 0 or -1)
end
return answers
