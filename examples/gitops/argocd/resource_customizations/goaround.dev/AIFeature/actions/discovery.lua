-- Down for everybody who may act, up for people: what an action asks for, admission policies allow
-- or refuse. None of them writes spec or status.
local actions = {
  kill = { disabled = true, iconClass = "fa fa-fw fa-stop-circle", displayName = "Kill: the fallback serves" },
  hold = { disabled = true, iconClass = "fa fa-fw fa-pause-circle", displayName = "Hold: nothing goes up" },
  resume = { disabled = true, iconClass = "fa fa-fw fa-play-circle", displayName = "Resume: take the hold off" },
  abort = { disabled = true, iconClass = "fa fa-fw fa-times-circle", displayName = "Abort this attempt" },
  retry = { disabled = true, iconClass = "fa fa-fw fa-redo", displayName = "Retry what came down (AISignOff)" },
  promote = { disabled = true, iconClass = "fa fa-fw fa-forward", displayName = "Promote without more evidence (AISignOff)" },
}

local metadata = obj.metadata or {}
local status = obj.status or {}
if metadata.deletionTimestamp ~= nil then
  return actions
end

local held = (metadata.annotations or {})["goaround.dev/hold"] ~= nil
local flies = { Preflight = true, Shadow = true, Ramping = true, Holding = true, Cruising = true }
local down = { RolledBack = true, Rejected = true, Inconclusive = true }
local candidate = status.candidate
local latch = (status.latches or {})[1] or {}

actions.kill.disabled = status.stage == "Killed"
actions.hold.disabled = held
actions.resume.disabled = not held
if candidate ~= nil and candidate.adopted ~= true and flies[status.stage] then
  actions.abort.disabled = false
  actions.promote.disabled = status.stage == "Cruising"
end
if down[status.stage] and latch.digest ~= nil and latch.digest == status.releaseDigest then
  actions.retry.disabled = false
end
return actions
