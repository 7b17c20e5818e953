-- The requests that wrk sends. What is asked for comes from the environment; one line of JSON at the end says how it went.

local kind = os.getenv("BENCH_KIND")
local jobs = tonumber(os.getenv("BENCH_JOBS"))
local salt = tonumber(os.getenv("BENCH_SALT"))
local headers = { ["Authorization"] = "Bearer " .. os.getenv("BENCH_TOKEN") }
local cursors = {}
for cursor in (os.getenv("BENCH_CURSORS") or ""):gmatch("%S+") do
  cursors[#cursors + 1] = cursor
end
local sent = 0

local function organisation(number)
  return string.format("77777777-7777-7777-7777-7777777770%02d", number)
end

local kinds = {
  read = function()
    return "GET", "/api/v1/jobs/01980000-0000-7000-8000-" .. string.format("%d", 100000000000 + math.random(0, jobs - 1))
  end,
  list = function()
    return "GET", "/api/v1/jobs?limit=20&organisation_id=" .. organisation(math.random(0, 9))
  end,
  deep = function()
    local number = math.random(0, 9)
    return "GET",
      "/api/v1/jobs?limit=20&organisation_id=" .. organisation(number) .. "&cursor=" .. cursors[number + 1]
  end,
  setup = function()
    sent = sent + 1
    local bindings = {}
    for index, role in ipairs({ "temperature", "humidity", "leaf_wetness" }) do
      bindings[index] = string.format(
        '{"role":"%s","input_id":"01990000-0000-7000-9000-%d"}',
        role,
        100000000000 + math.random(0, 899999999)
      )
    end
    return "POST",
      "/api/v1/jobs/setup",
      string.format(
        '{"organisation_id":"%s","job":{"name":"Set up %d-%d","source_version_id":"%s"},"role_bindings":[%s]}',
        organisation(math.random(0, 9)),
        salt,
        sent,
        "0197f000-0000-7000-8000-000000000001",
        table.concat(bindings, ",")
      )
  end,
}

function init()
  math.randomseed(salt)
  if kind == "setup" then
    headers["Content-Type"] = "application/json"
  end
end

function request()
  local method, path, body = kinds[kind]()
  return wrk.format(method, path, headers, body)
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests": %d, "microseconds": %d, "p50": %d, "p99": %d, "refused": %d, "broken": %d}\n',
    summary.requests,
    summary.duration,
    latency:percentile(50),
    latency:percentile(99),
    errors.status,
    errors.connect + errors.read + errors.write + errors.timeout
  ))
end
