"""An operator with the rights of its own table runs; one without says which it lacks, and ends."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from goaround.api.base import Json
from goaround.api.kinds import EVENTS, FEATURES, LEASES
from goaround.runtime.selfcheck import NEEDS, Need, rules
from tests.cluster.lease_kit import Airfield, airfield, held
from tests.cluster.operator_kit import ROOT, run_to_its_end
from tests.cluster.operator_shop import a_feature, eventually

pytestmark = pytest.mark.cluster

CHAT, BETTER = "chat", "v42"
RBAC = "rbac.authorization.k8s.io"
