-- One buy, decided in one go: idempotency key, cap, count, order, expiry index.
-- KEYS[1]  hash of the sale: cap, left, seq; h:USER tickets held; k:USER:KEY and
--          o:SEQ orders
-- KEYS[2]  sorted set of what is held, by deadline in milliseconds
-- ARGV     user, key, quantity, deadline
-- Returns  outcome (0 reserved, 1 sold out, 2 cap exceeded, 3 unknown sale), seq.
-- A refusal writes nothing, so it costs no append and no fsync.
local user, key, quantity = ARGV[1], ARGV[2], tonumber(ARGV[3])
local held_field, key_field = 'h:' .. user, 'k:' .. user .. ':' .. key
local got = redis.call('HMGET', KEYS[1], 'left', 'seq', 'cap', held_field, key_field)
if not got[1] then return {3, 0} end
if got[5] then return {0, tonumber(got[5])} end
local left, held = tonumber(got[1]), tonumber(got[4] or 0)
if held + quantity > tonumber(got[3]) then return {2, 0} end
if left < quantity then return {1, 0} end
local seq = tonumber(got[2]) + 1
redis.call('HSET', KEYS[1], 'left', left - quantity, 'seq', seq, held_field, held + quantity,
  key_field, seq, 'o:' .. seq, quantity .. ' ' .. ARGV[4] .. ' reserved ' .. user)
redis.call('ZADD', KEYS[2], ARGV[4], seq)
return {0, seq}
