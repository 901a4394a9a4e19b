-- An AIIncident is kept out of Git. Where an Application shows one as a child, this is its colour:
-- Degraded while a grave one burns, Suspended once users are safe and people have to go on.
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

local severity = status.severity or (obj.spec or {}).severity or ""
local phase = status.phase or ""
local mitigated = { Contained = true, Diagnosing = true, Recovering = true }
local over = { Resolved = true, Reviewed = true, Closed = true, Cancelled = true, Merged = true }

health.message = severity .. " " .. phase
if status.nextDue ~= nil then
  health.message = health.message .. "; next due: " .. status.nextDue
end
if over[phase] then
  health.status = "Healthy"
elseif mitigated[phase] then
  health.status = "Suspended"
elseif severity == "P1" or severity == "P2" then
  health.status = "Degraded"
end
return health
