"""What else changed stands in a ledger: read, dated and written on a real API server."""

import json
from typing import Final

import pytest

from goaround.api.base import Json
from goaround.api.kinds import CONFIG_MAPS
from goaround.ledger.book import read
from goaround.world.kube import path
from tests.cluster.operator_kit import Stack
from tests.cluster.operator_shop import MERGE_PATCH, Shop, a_feature, condition

pytestmark = pytest.mark.cluster

CHAT: Final = "chat"
APP: Final = {"kind": "Deployment", "name": "app"}
TEXTS: Final = {"kind": "ConfigMap", "name": "texts"}


def workload(image: str, kind: str = "Deployment", **more: int | str) -> Json:
    """A `kind` called app."""
    labels = {"app": "app"}
    pod = {
        "metadata": {"labels": labels},
        "spec": {"containers": [{"name": "app", "image": image}]},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": "app"},
        "spec": {"selector": {"matchLabels": labels}, "template": pod, **more},
    }


def watch(shop: Shop, *objects: Json, **more: int) -> None:
    """Another list of objects is looked at at once."""
    assert shop.patch(CHAT, {"spec": {"watch": {"objects": list(objects), **more}}}).is_success


def test_who_changed_which_object_when_stands_in_the_ledger(stack: Stack) -> None:
    shop = stack.shop()
    shop.kubectl("apply", "--filename=-", stdin=json.dumps(workload("team/app:1.4", replicas=0)))
    others = [workload("team/app:1", kind) for kind in ("StatefulSet", "DaemonSet")]
    for other in others:
        shop.kubectl("apply", "--filename=-", stdin=json.dumps(other))
    shop.apply(a_feature(CHAT))
    watch(shop, APP, *({"kind": other["kind"], "name": "app"} for other in others))
    shop.until(CHAT, lambda f: f.status.changes is not None, "the ledger is begun")
    shop.kubectl("apply", "--filename=-", stdin=json.dumps(workload("team/app:1.5", replicas=0)))
    watch(shop, APP, TEXTS)
    told = shop.until(CHAT, lambda f: f.status.changes and f.status.changes.last_day, "told")
    assert told.status.changes is not None
    assert "Deployment app: image of app app:1.4 -> app:1.5" in (told.status.changes.last or "")
    assert condition(told, "ChangesWatched")[:2] == ("False", "ObjectUnreadable")
    body = shop.get(CONFIG_MAPS, told.status.changes.ledger)
    assert body is not None
    (line,) = (c for c in read(body["data"]).lines if c.object == "Deployment app")
    assert line.by.startswith("kubectl")
    where = path(CONFIG_MAPS, shop.namespace)
    text: Json = {"metadata": {"name": "texts"}, "data": {"prompt.txt": "one"}}
    assert shop.api.post(where, json=text).is_success
    watch(shop, TEXTS)
    shop.until(CHAT, lambda f: f.status.changes and f.status.changes.last_day == 2, "it is there")
    edit = {"data": {"prompt.txt": "a secret wish"}}
    assert shop.api.patch(f"{where}/texts", json=edit, headers=MERGE_PATCH).is_success
    watch(shop, TEXTS, APP)
    last = shop.until(CHAT, lambda f: f.status.changes and f.status.changes.last_day == 3, "edited")
    assert condition(last, "ChangesWatched")[0] == "True"
    assert "key prompt.txt" in str(last.status.changes)
    assert "secret wish" not in str(shop.get(CONFIG_MAPS, f"{CHAT}-changes"))
