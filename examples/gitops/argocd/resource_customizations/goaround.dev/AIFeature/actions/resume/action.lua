-- Takes the hold off. What Git suspends (spec.suspend) goes on when Git says so.
local annotations = obj.metadata.annotations
if annotations ~= nil then
  annotations["goaround.dev/hold"] = nil
  if next(annotations) == nil then
    -- Argo CD takes an empty table for an untouched one, and would keep the hold
    obj.metadata.annotations = nil
  end
end
return obj
