-- Asks to fly once more what came down. A sign-off is the word of a person: the policies of
-- GoAround refuse accounts named system:…, and whoever lacks verb retry on the feature. Argo CD then
-- shows their message, and `kubectl goaround retry` is the way.
local latch = obj.status.latches[1]
local sign_off = {
  apiVersion = "goaround.dev/v1alpha1",
  kind = "AISignOff",
  metadata = {
    name = "argocd-retry-" .. obj.metadata.name .. "-" .. obj.status.revision,
    namespace = obj.metadata.namespace,
    annotations = {
      ["argocd.argoproj.io/sync-options"] = "Prune=false",
      ["argocd.argoproj.io/compare-options"] = "IgnoreExtraneous",
    },
  },
  spec = {
    featureRef = { name = obj.metadata.name },
    decision = "Retry",
    digest = latch.digest,
    attempt = latch.attempt,
    comment = "asked for in Argo CD; its events say by whom",
  },
}
return { { operation = "create", resource = sign_off } }
