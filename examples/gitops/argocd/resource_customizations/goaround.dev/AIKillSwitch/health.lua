-- An AIKillSwitch is kept out of Git: presence kills. It is healthy when it does its work; that
-- something is killed shows on the AIFeature, which is Degraded.
local health = { status = "Progressing", message = "the operator has not recorded it yet" }
local metadata = obj.metadata or {}
local status = obj.status or {}

if metadata.deletionTimestamp ~= nil then
  health.message = "it is being deleted"
  return health
end
if status.observedGeneration == nil or status.observedGeneration ~= metadata.generation then
  health.message = status.message or health.message
  return health
end

if status.endedAt ~= nil then
  health.status = "Suspended"
  health.message = "the drill is over: delete the switch"
elseif status.latchedAt ~= nil then
  health.status = "Healthy"
  health.message = status.message or ""
else
  health.message = status.message or health.message
end
return health
