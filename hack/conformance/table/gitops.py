"""Rows C1 to C9: GitOps."""

from hack.conformance import texts
from hack.conformance.row import Row

ARGO = "unit/gitops/test_argocd.py"
FLUX = "unit/gitops/test_kstatus_and_flux.py"
EXAMPLES = "unit/gitops/test_gitops_examples.py"
ROLLOUT = "cluster/test_operator_gitops.py"

ROWS = (
    Row("C1", "Argo CD health for all kinds", tests=(ARGO,)),
    Row("C2", "health guards stale and missing status", tests=(ARGO, ROLLOUT)),
    Row("C3", "Argo CD actions", tests=(ARGO, ROLLOUT)),
    Row("C4", "Flux healthCheckExprs", tests=(FLUX,)),
    Row(
        "C5",
        "zero drift",
        tests=(
            ROLLOUT,
            "cluster/test_operator_flight.py"
            "::test_the_operator_writes_nothing_but_the_status_of_a_feature",
        ),
    ),
    Row(
        "C6",
        "a kill survives every way of applying",
        tests=("cluster/test_operator_survives.py", ROLLOUT),
    ),
    Row("C7", "CRDs before their objects", tests=(EXAMPLES,), checks=(texts.applied_twice,)),
    Row("C8", "a rollback does not fight Git", tests=(ROLLOUT,)),
    Row("C9", "kustomize works", tests=(EXAMPLES, ROLLOUT), checks=(texts.kustomized,)),
)
