"""The goal table: rows A1 to H7, each with what proves it."""

from hack.conformance.table import api, chart, gitops, project, reliability, security, status

ROWS = (
    *api.ROWS,
    *status.ROWS,
    *gitops.ROWS,
    *chart.ROWS,
    *security.ROWS,
    *reliability.ROWS,
    *project.ROWS,
)
