"""What a flag replica must be allowed to do: the table from which the chart makes its role.

It refuses every verb that writes, and to list Secrets: pins and release records are read by name.
"""

from goaround.api.kinds import FEATURES, KILL_SWITCHES, RECORDS, SECRETS
from goaround.runtime.selfcheck import Need

FOLLOWED = ("list", "watch")
FLAG_NEEDS = (
    Need(FEATURES, FOLLOWED),
    Need(KILL_SWITCHES, FOLLOWED),
    Need(RECORDS, ("get",)),  # texts of releases, by name
    Need(SECRETS, ("get",)),  # pins of golden runs, by name
)
