"""A note of a person ends in the timeline, who changed what is verified, and tampering is found."""

import json
from collections.abc import Iterator

import pytest

from goaround.__main__ import main
from goaround.api.base import Json
from goaround.api.kinds import CONFIG_MAPS, INCIDENTS
from goaround.api.names import NOTE, timeline_name
from goaround.world.kube import path
from goaround.world.timelines import FILE
from tests.cluster.operator_kit import Stack
from tests.cluster.operator_shop import MERGE_PATCH, Shop, eventually
from tests.cluster.sign_off_kit import policies

pytestmark = pytest.mark.cluster

NAME = "support-heard-of-it"
SPEC: Json = {
    "affects": [{"name": "chat"}],
    "trigger": {"source": "Manual", "key": "support heard of it"},
    "severity": "P2",
    "severityReason": "customers wrote in",
}


@pytest.fixture(scope="module")
def shop(stack: Stack) -> Iterator[Shop]:
    """One incident that a person opened, while the API server vouches for names."""
    shop = stack.shop()
    with policies(stack.plane):
        shop.create(INCIDENTS, NAME, SPEC)
        yield shop


def seen(shop: Shop) -> Json:
    found = shop.get(INCIDENTS, NAME)
    assert found is not None
    return found


def timeline(shop: Shop) -> list[str]:
    found: list[str] = (seen(shop).get("status") or {}).get("timeline") or []
    return found


def command(shop: Shop, *words: str) -> int:
    where = (f"--namespace={shop.namespace}", f"--kubeconfig={shop.plane.kubeconfig}")
    return main(["incident", *words, *where])


def test_a_note_ends_in_the_timeline_and_a_rewritten_timeline_is_found(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.kubectl("annotate", "aiincident", NAME, f"{NOTE}=vendor status page is red")
    assert command(shop, "note", NAME, "it began here", "--at", "2026-01-02T03:04:05Z") == 0
    eventually(lambda: is_entered(shop), "all that was said before")  # else it is two changes
    shop.api.patch(
        path(INCIDENTS, shop.namespace, NAME),
        json={"spec": {"roles": {"commander": "ana"}}},
        headers=MERGE_PATCH,
    )
    eventually(lambda: any("commander: ana" in t for t in timeline(shop)), "who commands")
    eventually(lambda: sum(" note " in t for t in timeline(shop)) == 2, "both notes")
    told = "\n".join(timeline(shop))
    assert "Z annotation note vendor status page is red" in told
    assert "01-02 03:04:05Z" in told
    (named,) = (t for t in timeline(shop) if "commander: ana" in t)
    assert " (verified) phase commander: ana" in named
    eventually(
        lambda: (
            not [k for k in seen(shop)["metadata"]["annotations"] if k.startswith(NOTE + ".")]
            and NOTE not in seen(shop)["metadata"]["annotations"]
        ),
        "no note waits any more",
    )
    assert command(shop, "verify", NAME) == 0
    assert command(shop, "log", NAME) == 0
    assert "support heard of it" in capsys.readouterr().out

    held = shop.get(CONFIG_MAPS, timeline_name(NAME))
    assert held is not None
    forged = held["data"][FILE].replace("vendor status page is red", "nothing to be seen")
    shop.kubectl(
        *("patch", "configmap", timeline_name(NAME), "--type=merge"),
        f"--patch={json.dumps({'data': {FILE: forged}})}",
    )
    assert command(shop, "verify", NAME) == 2
    assert "is not what was recorded" in capsys.readouterr().out


def is_entered(shop: Shop) -> bool:
    """Whether the timeline has all of the spec as it is."""
    body = shop.get(INCIDENTS, NAME) or {}
    anchor = (body.get("status") or {}).get("timelineAnchor") or {}
    return bool(body) and anchor.get("generation") == body["metadata"]["generation"]
