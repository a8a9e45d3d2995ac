-- A client says that it is there, and how far it has read, so that one that comes after it can go
-- on there. Returns, for each session, whether it still is the client.
-- KEYS: fleet. ARGV: prefix, client token, then for each session its key and the last entry read.
local answers = {}
for i = 3, #ARGV, 2 do
  local hash = ARGV[1] .. 'session:' .. ARGV[i]
  local client = redis.call('HGET', hash, 'client')
  if client == ARGV[2] or client == '' then
    client = ARGV[2]
    redis.call('HSET', hash, 'client', client, 'seen', now_ms(), 'read', ARGV[i + 1])
  end
  answers[#answers + 1] = client == ARGV[2] and 1 or (client and 0 or -1)
end
return answers
