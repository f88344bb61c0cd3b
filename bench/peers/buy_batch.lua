-- Many buys of one sale, decided in their order in one go.
-- KEYS     as for a single buy
-- ARGV     user, key, quantity, deadline of each
-- Returns  outcome, seq of each. Refusals write nothing.
local n = #ARGV / 4
local fields = {'left', 'seq', 'cap'}
for i = 0, n - 1 do
  local user = ARGV[4 * i + 1]
  fields[#fields + 1] = 'h:' .. user
  fields[#fields + 1] = 'k:' .. user .. ':' .. ARGV[4 * i + 2]
end
local got = redis.call('HMGET', KEYS[1], unpack(fields))
local answer = {}
if not got[1] then
  for i = 1, 2 * n, 2 do answer[i], answer[i + 1] = 3, 0 end
  return answer
end
local left, seq, cap = tonumber(got[1]), tonumber(got[2]), tonumber(got[3])
local held, known, sets, due = {}, {}, {}, {}
for i = 0, n - 1 do
  local at, held_field, key_field = 4 * i, fields[2 * i + 4], fields[2 * i + 5]
  local quantity = tonumber(ARGV[at + 3])
  local holds = held[held_field] or tonumber(got[2 * i + 4] or 0)
  local before = known[key_field] or got[2 * i + 5]
  local outcome, place = 0, 0
  if before then place = tonumber(before)
  elseif holds + quantity > cap then outcome = 2
  elseif left < quantity then outcome = 1
  else
    left, seq = left - quantity, seq + 1
    place, held[held_field], known[key_field] = seq, holds + quantity, seq
    local s = #sets
    sets[s + 1], sets[s + 2], sets[s + 3], sets[s + 4] = held_field, holds + quantity, key_field, seq
    sets[s + 5], sets[s + 6] = 'o:' .. seq, ARGV[at + 3] .. ' ' .. ARGV[at + 4] .. ' reserved ' .. ARGV[at + 1]
    local d = #due
    due[d + 1], due[d + 2] = ARGV[at + 4], seq
  end
  answer[2 * i + 1], answer[2 * i + 2] = outcome, place
end
if #due > 0 then
  redis.call('HSET', KEYS[1], 'left', left, 'seq', seq, unpack(sets))
  redis.call('ZADD', KEYS[2], unpack(due))
end
return answer
