-- One workload for wrk: wrk ... -s workload.lua URL -- METHOD DEPTH [BODY]. The request is built once;
-- DEPTH of them are sent at a time. Ends with one line for bench/run to read.

local pipeline

function init(args)
  wrk.method = args[1]
  if args[3] then
    wrk.body = args[3]
    wrk.headers["Content-Type"] = "application/json"
  end
  pipeline = string.rep(wrk.format(), tonumber(args[2]))
end

function request()
  return pipeline
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    "RESULT requests=%d microseconds=%d status_errors=%d socket_errors=%d p50=%d p99=%d\n",
    summary.requests, summary.duration, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
