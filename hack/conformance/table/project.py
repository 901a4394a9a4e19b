"""Rows G1 to G5 and H1 to H7: what is seen of it, and how it is made."""

from hack.conformance import texts
from hack.conformance.row import Row

PROCESS = "cluster/test_operator_process.py"
RELEASE = "unit/test_release.py"

ROWS = (
    Row("G1", "metrics are well formed", checks=(texts.metrics,)),
    Row(
        "G2",
        "figures of passes, queue, lease, features",
        tests=("unit/runtime/test_metrics.py", "unit/runtime/test_feature_metrics.py"),
        checks=(texts.figures,),
    ),
    Row("G3", "alerts are tested and have pages", tests=("unit/chart/test_alerts.py",)),
    Row("G4", "JSON logs", tests=(PROCESS, "unit/runtime/test_logs.py")),
    Row(
        "G5",
        "probes and metrics",
        tests=(PROCESS, "unit/runtime/test_health.py"),
        missing="probes and metrics share a port, and metrics ask nobody who he is",
    ),
    Row(
        "H1", "image: non-root, no shell, by digest", tests=(RELEASE,), missing="no image was built"
    ),
    Row("H2", "SBOM, signature, provenance", tests=(RELEASE,), missing="no release was made"),
    Row("H3", "workflows are pinned and closed", tests=(RELEASE,), checks=(texts.workflows,)),
    Row(
        "H4",
        "locked dependencies with hashes",
        tests=("unit/test_repository.py", RELEASE),
        missing="pip-audit asks a database of vulnerabilities that is not asked from here",
    ),
    Row("H5", "licence, conduct, governance", checks=(texts.project,)),
    Row(
        "H6",
        "API reference, upgrade notes, runbooks",
        tests=(
            "unit/docs/test_the_reference_is_generated.py",
            "unit/docs/test_reasons_are_explained.py",
            "unit/chart/test_alerts.py",
        ),
        checks=(texts.upgrade_notes,),
    ),
    Row("H7", "krew manifest", checks=(texts.krew,)),
)
