-- Presence kills. The switch carries no tracking label or id, so that no sync compares it and no
-- prune deletes it; the two annotations say so again, should a tool copy one.
local feature = obj.metadata.name
local switch = {
  apiVersion = "goaround.dev/v1alpha1",
  kind = "AIKillSwitch",
  metadata = {
    -- one name per feature: pressed twice, it is still one kill
    name = "argocd-kill-" .. feature,
    namespace = obj.metadata.namespace,
    annotations = {
      ["argocd.argoproj.io/sync-options"] = "Prune=false",
      ["argocd.argoproj.io/compare-options"] = "IgnoreExtraneous",
    },
  },
  spec = {
    featureRef = { name = feature },
    reason = "killed in Argo CD; its events say by whom",
  },
}
return { { operation = "create", resource = switch } }
