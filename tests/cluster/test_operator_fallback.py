"""Chain, contract and texts by reference: the example, through the operator and a flag replica."""

import json
from typing import Final

import pytest
import yaml

from goaround.api.base import Json
from goaround.api.kinds import CONFIG_MAPS, AIFeature
from goaround.api.reasons import Stage
from goaround.world.kube import path
from tests.cluster.operator_flags import flags
from tests.cluster.operator_kit import ROOT, Stack
from tests.cluster.operator_shop import MERGE_PATCH, Shop, a_feature, condition, eventually

pytestmark = pytest.mark.cluster

CHAT: Final = "order-chat"
TEXTS: Final = "support-chat-texts"
OTHER: Final = "Answer in one sentence."


def example() -> tuple[Json, Json]:
    """The texts and the feature, which is to fly fast and asks nobody."""
    file = ROOT / "examples" / "fallback.yaml"
    texts, feature = yaml.safe_load_all(file.read_text(encoding="utf-8"))
    for body in (texts, feature):
        del body["metadata"]["namespace"]
    quick = a_feature(CHAT)["spec"]
    feature["spec"] |= {"ramp": quick["ramp"], "acceptance": quick["acceptance"]}
    return texts, feature


@pytest.fixture(scope="module")
def shop(stack: Stack) -> Shop:
    """The example, Live."""
    made = stack.shop()
    texts, feature = example()
    made.kubectl("apply", "--filename=-", stdin=json.dumps(texts))
    made.apply(feature)
    made.until_stage(CHAT, Stage.LIVE, 60)
    return made


def edit(shop: Shop, **data: str) -> None:
    where = path(CONFIG_MAPS, shop.namespace, TEXTS)
    assert shop.api.patch(where, json={"data": data}, headers=MERGE_PATCH).is_success


def ask_for(shop: Shop, key: str) -> None:
    """Spec names another key, as after a merge in Git."""
    prompt = {"configMapRef": {"name": TEXTS, "key": key}}
    assert shop.patch(CHAT, {"spec": {"release": {"prompt": prompt}}}).is_success


def served(stack: Stack, shop: Shop, variant: str = "stable") -> Json:
    found = flags(stack, f"{shop.namespace}/{CHAT}")["flags"][f"{CHAT}.release"]
    value: Json = found["variants"][variant]
    return value


def prompt_text(stack: Stack, shop: Shop) -> str:
    return str(served(stack, shop).get("prompt", {}).get("text"))


def is_live_on(feature: AIFeature, key: str) -> bool:
    good = feature.status.last_known_good
    prompt = good.release.prompt if good is not None else None
    ref = prompt.config_map_ref if prompt is not None else None
    landed = ref is not None and ref.key == key
    return landed and feature.status.stage is Stage.LIVE


def test_apps_get_chain_contract_and_prompt_from_the_record(stack: Stack, shop: Shop) -> None:
    texts, feature = example()
    eventually(lambda: prompt_text(stack, shop) != "None", "the text is served", 10)
    stable, spec = served(stack, shop), feature["spec"]
    assert stable["prompt"]["text"] == texts["data"]["prompt-v42.txt"]
    assert stable["contract"]["output"]["schema"] == json.loads(texts["data"]["answer-v1.json"])
    assert [one["name"] for one in stable["fallback"]["chain"]] == ["small", "cached", "people"]
    assert stable["fallback"]["breaker"] == spec["fallback"]["breaker"]
    assert served(stack, shop, "fallback")["fallback"] == {
        "chain": spec["fallback"]["chain"][2:],
        "landing": "cached",
        "breaker": spec["fallback"]["breaker"],
    }
    asked = shop.until(
        CHAT, lambda f: "index-keeper" in condition(f, "FallbackReady")[2], "its index asked for"
    )
    # nobody keeps its index in this cluster
    assert condition(asked, "FallbackReady")[:2] == ("Unknown", "IndexNotChecked")


def test_a_prompt_edited_in_place_holds_and_what_serves_stays(stack: Stack, shop: Shop) -> None:
    edit(shop, **{"prompt-v43.txt": OTHER})
    steps = [{"weightPercent": w, "holdSeconds": 60, "minSamples": 50} for w in (10, 100)]
    assert shop.patch(CHAT, {"spec": {"ramp": {"steps": steps}}}).is_success
    ask_for(shop, "prompt-v43.txt")
    shop.until(CHAT, lambda f: f.status.split.candidate == 10, "10 %")
    eventually(lambda: served(stack, shop, "candidate").get("enabled"), "its text is served", 10)
    edit(shop, **{"prompt-v43.txt": "Answer rudely."})
    held = shop.until_stage(CHAT, Stage.HOLDING, 45)
    assert condition(held, "CandidateChanged")[:2] == ("True", "EditedInPlace")
    assert served(stack, shop, "candidate")["prompt"]["text"] == OTHER


def test_going_back_by_git_needs_no_config_map(stack: Stack, shop: Shop) -> None:
    texts, _ = example()
    assert shop.delete(CONFIG_MAPS, TEXTS).is_success
    ask_for(shop, "prompt-v42.txt")
    shop.until(CHAT, lambda f: is_live_on(f, "prompt-v42.txt"), "v42 Live again", 20)
    assert prompt_text(stack, shop) == texts["data"]["prompt-v42.txt"]
    assert len(shop.records()) == 2
