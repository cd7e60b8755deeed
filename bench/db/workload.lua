-- One workload for wrk: wrk ... -s workload.lua URL -- NAME. Rows and accounts are chosen at random,
-- in the same order in each run. Ends with one line for bench/db/run to read.

local WORLDS, ACCOUNTS = 10000, 1000
local random = math.random

local workloads = {
  row = function() return "GET /world/" .. random(WORLDS) end,
  rows = function() return "GET /worlds?from=" .. random(WORLDS - 19) end,
  update = function() return "POST /world/" .. random(WORLDS) .. "?number=" .. random(WORLDS) end,
  transfer = function()
    local from = random(ACCOUNTS)
    -- Never to itself.
    local to = (from + random(ACCOUNTS - 1) - 1) % ACCOUNTS + 1
    return "POST /transfer?from=" .. from .. "&to=" .. to .. "&amount=" .. random(9)
  end,
  fortunes = function() return "GET /fortunes" end,
}

local line, fields

function init(args)
  math.randomseed(1)
  line = workloads[args[1]]
  -- wrk.format makes a table for each request; what follows the path never changes.
  fields = wrk.format("GET", "/"):match(" HTTP/1.1.*")
end

function request()
  return line() .. fields
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    "RESULT requests=%d microseconds=%d status_errors=%d socket_errors=%d p99=%d\n",
    summary.requests, summary.duration, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout, latency:percentile(99)))
end
