-- An AIFeature is kstatus-shaped: Ready, Reconciling and Stalled speak of status.observedGeneration.
-- Only the libraries base and table are used, which Argo CD always opens.
local health = { status = "Progressing", message = "the operator has not seen this spec yet" }
local metadata = obj.metadata or {}
local status = obj.status or {}

if metadata.deletionTimestamp ~= nil then
  health.message = "it is being deleted"
  return health
end
if status.observedGeneration == nil or status.observedGeneration ~= metadata.generation then
  return health
end

local is = {}
for _, condition in ipairs(status.conditions or {}) do
  if condition.status == "True" then
    is[condition.type] = condition
  end
end

local function told(condition)
  return (condition.reason or "") .. ": " .. (condition.message or "")
end

-- A person has to act before it goes on.
local people = {
  AwaitingSignOff = true,
  SignOffPolicyMissing = true,
  ChangeFreeze = true,
  Suspended = true,
}

if is.Killed ~= nil then
  -- Degraded, since Suspended would rank before Progressing and hide a kill in the Application.
  local kill = status.kill or {}
  local sources = {}
  for _, source in ipairs(kill.sources or {}) do
    table.insert(sources, (source.kind or "") .. " " .. (source.name or "") .. ": " .. (source.reason or ""))
  end
  health.status = "Degraded"
  health.message = "Killed since " .. (kill.since or "?") .. " by " .. table.concat(sources, "; ")
elseif is.Stalled ~= nil then
  health.status = "Degraded"
  health.message = told(is.Stalled)
elseif is.Suspended ~= nil then
  health.status = "Suspended"
  health.message = is.Suspended.message or ""
elseif is.Reconciling ~= nil and people[is.Reconciling.reason] then
  health.status = "Suspended"
  health.message = is.Reconciling.message or ""
elseif is.Reconciling ~= nil then
  health.message = told(is.Reconciling)
elseif is.Ready ~= nil then
  health.status = "Healthy"
  health.message = is.Ready.message or ""
else
  health.message = "there are no conditions yet"
end
return health
