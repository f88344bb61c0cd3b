-- A witness from outside: wrk sells a sale to distinct buyers, one request each.
--
--   onsale token --user w --count 1000000 --secret-file SECRET > tokens
--   TOKENS=tokens SALE=arena wrk -t1 -c512 -d60s -s bench/wrk/buyers.lua http://127.0.0.1:8101
--
-- wrk stops by time, so give it enough; when the tokens run out, the last ones
-- are used again with the same key and are answered from it. One thread only:
-- each would read the same tokens.
local lines, sale, count = {}, os.getenv("SALE"), 0

function init(args)
  for line in io.lines(os.getenv("TOKENS")) do
    lines[#lines + 1] = line
  end
end

function request()
  if count < #lines then count = count + 1 end
  return wrk.format("POST", "/v1/tickets?q=1&sale=" .. sale,
    { ["Authorization"] = "Bearer " .. lines[count], ["Idempotency-Key"] = "w" .. count, ["Content-Length"] = "0" })
end
