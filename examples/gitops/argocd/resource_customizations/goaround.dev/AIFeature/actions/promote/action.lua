-- Asks to skip the remaining holds of this attempt. A sign-off is the word of a person: the policies
-- of GoAround refuse accounts named system:…, and whoever lacks verb promote on the feature. Argo CD
-- then shows their message, and `kubectl goaround promote` is the way.
local candidate = obj.status.candidate
local sign_off = {
  apiVersion = "goaround.dev/v1alpha1",
  kind = "AISignOff",
  metadata = {
    name = "argocd-promote-" .. obj.metadata.name .. "-" .. obj.status.revision,
    namespace = obj.metadata.namespace,
    annotations = {
      ["argocd.argoproj.io/sync-options"] = "Prune=false",
      ["argocd.argoproj.io/compare-options"] = "IgnoreExtraneous",
    },
  },
  spec = {
    featureRef = { name = obj.metadata.name },
    decision = "Promote",
    digest = candidate.planDigest,
    attempt = candidate.attempt,
    comment = "asked for in Argo CD; its events say by whom",
  },
}
return { { operation = "create", resource = sign_off } }
