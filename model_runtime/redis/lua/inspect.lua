-- Which keys are not as they should be; the end of those that are and that are kept is put off.
-- KEYS: fleet. ARGV: how many of the keys, the first ones, are kept, and for how many ms from now;
--       then each key and its type. Returns the keys that are not there, and those of another type.
local kept, missing, wrong = 2 * ARGV[1] + 2, {}, {}
for i = 3, #ARGV, 2 do
  local key = ARGV[i]
  local kind = redis.call('TYPE', key).ok
  if kind == 'none' then
    missing[#missing + 1] = key
  elseif kind ~= ARGV[i + 1] then
    wrong[#wrong + 1] = key
  elseif i <= kept then
    redis.call('PEXPIRE', key, ARGV[2])
  end
end
return {missing, wrong}
