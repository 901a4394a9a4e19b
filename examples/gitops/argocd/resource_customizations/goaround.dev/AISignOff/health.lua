-- An AISignOff is one immutable decision of a person. It has no status: it is done when it exists.
local spec = obj.spec or {}
if (obj.metadata or {}).deletionTimestamp ~= nil then
  return { status = "Progressing", message = "it is being withdrawn" }
end
return {
  status = "Healthy",
  message = (spec.decision or "?") .. " by " .. (spec.approver or "nobody known"),
}
