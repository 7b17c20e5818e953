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
-- Nothing that is reported was issued before the jobs, or later than now.
local FIRST_TIME, SECONDS = 1767225600, 25000000

local function organisation(number)
  return string.format("77777777-7777-7777-7777-7777777770%02d", number)
end

-- A setup for the organisation of that number, with three inputs that are given by their numbers.
local function set_up(number, input)
  sent = sent + 1
  local bindings = {}
  for index, role in ipairs({ "temperature", "humidity", "leaf_wetness" }) do
    bindings[index] =
      string.format('{"role":"%s","input_id":"01990000-0000-7000-9000-%d"}', role, 100000000000 + input())
  end
  return "POST",
    "/api/v1/jobs/setup",
    string.format(
      '{"organisation_id":"%s","job":{"name":"Set up %d-%d","source_version_id":"%s"},"role_bindings":[%s]}',
      organisation(number),
      salt,
      sent,
      "0197f000-0000-7000-8000-000000000001",
      table.concat(bindings, ",")
    )
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
    return set_up(math.random(0, 9), function()
      return math.random(0, 899999999)
    end)
  end,
  -- With inputs that the directory knows: see directory.py.
  known = function()
    local number = math.random(0, 9)
    return set_up(number, function()
      return number * 100000 + math.random(500, 999)
    end)
  end,
}

local function values(count)
  local items = {}
  for number = 0, count - 1 do
    items[number + 1] = string.format(
      '{"role":"risk","at":"2026-01-%02dT%02d:%02d:%02dZ","value":%.4f}',
      1 + math.floor(number / 86400),
      math.floor(number / 3600) % 24,
      math.floor(number / 60) % 60,
      number % 60,
      math.random()
    )
  end
  return table.concat(items, ",")
end

local bulk

local function report(predictions)
  sent = sent + 1
  local issued = os.date("!%Y-%m-%dT%H:%M:%S", FIRST_TIME + math.random(0, SECONDS))
  return "POST",
    "/api/v1/jobs/01980000-0000-7000-8000-" .. string.format("%d", 100000000000 + math.random(0, jobs - 1)) .. "/runs",
    string.format(
      '{"issued_at":"%s.%06dZ","status":"succeeded","predictions":[%s]}',
      issued,
      (salt + sent) % 1000000,
      predictions
    )
end

kinds.report = function()
  return report(values(24))
end

kinds.bulk = function()
  -- Made once: it is the server that is measured.
  bulk = bulk or values(10000)
  return report(bulk)
end

local days = tonumber(os.getenv("BENCH_DAYS"))

local function some_job()
  return "/api/v1/jobs/01980000-0000-7000-8000-" .. string.format("%d", 100000000000 + math.random(0, jobs - 1))
end

local function stamp(seconds)
  return os.date("!%Y-%m-%dT%H:%M:%SZ", seconds)
end

local function values_of_role(rest)
  return "GET", some_job() .. "/predictions?role=risk&" .. rest
end

-- One day of one role: 24 values.
kinds.day = function()
  local from = FIRST_TIME + 3600 + math.random(0, days - 1) * 86400
  return values_of_role("from=" .. stamp(from) .. "&to=" .. stamp(from + 86400))
end

-- The one value that is about the time now, or comes next.
kinds.newest = function()
  local from = FIRST_TIME + math.random(0, days * 86400 - 86400)
  return values_of_role("limit=1&from=" .. stamp(from))
end

function init()
  math.randomseed(salt)
  if kind == "setup" or kind == "known" or kind == "report" or kind == "bulk" then
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
