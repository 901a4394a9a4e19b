-- Ends this very attempt: its release loses its users and stays down, without blame.
local candidate = obj.status.candidate
obj.metadata.annotations = obj.metadata.annotations or {}
obj.metadata.annotations["goaround.dev/abort"] = candidate.digest .. "/" .. candidate.attempt
return obj
