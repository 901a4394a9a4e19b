-- Nothing goes up any more; every way down stays open. Git must not name this annotation.
obj.metadata.annotations = obj.metadata.annotations or {}
obj.metadata.annotations["goaround.dev/hold"] = "held in Argo CD; its events say by whom"
return obj
