-- Gives back what is due, at most 1000 orders in one go.
-- KEYS as for a buy; ARGV now in milliseconds. Returns how many orders expired.
local due = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', ARGV[1], 'LIMIT', 0, 1000)
for _, seq in ipairs(due) do
  local quantity, deadline, user = string.match(redis.call('HGET', KEYS[1], 'o:' .. seq), '^(%d+) (%d+) reserved (.*)$')
  redis.call('HINCRBY', KEYS[1], 'left', quantity)
  redis.call('HINCRBY', KEYS[1], 'h:' .. user, -quantity)
  redis.call('HSET', KEYS[1], 'o:' .. seq, quantity .. ' ' .. deadline .. ' expired ' .. user)
  redis.call('ZREM', KEYS[2], seq)
end
return #due
