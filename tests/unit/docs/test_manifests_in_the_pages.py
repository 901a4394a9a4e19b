"""YAML in the pages is what the API takes: whole objects by the models, parts of them by name."""

from collections.abc import Iterator

import yaml

from goaround.api.base import Json
from goaround.api.crd import crd
from goaround.api.kinds import SERVED
from tests.pages import HEREDOC, Block, blocks

SPECS = {served.kind.kind: served.spec for served in SERVED}
SCHEMAS = {
    served.kind.kind: crd(served)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    for served in SERVED
}


def written() -> Iterator[tuple[Block, Json]]:
    """Every object in a block of YAML or in a here-document; `…` stands for what is left out."""
    for block in blocks("yaml", "console"):
        parts = [block.text] if block.language == "yaml" else heredocs(block)
        for part in parts:
            for body in yaml.safe_load_all(part):
                if isinstance(body, dict):
                    yield block, body


def heredocs(block: Block) -> Iterator[str]:
    for found in HEREDOC.finditer(block.text):
        start = block.text.index("\n", found.end()) + 1
        yield block.text[start : block.text.index(f"\n{found[1]}", start)]


def unknown(body: object, schema: Json, at: str = "") -> Iterator[str]:
    """Fields that the schema does not have."""
    if isinstance(body, dict):
        known = schema.get("properties", {})
        for name, part in body.items():
            below = known.get(name, schema.get("additionalProperties"))
            if below is None:
                yield f"{at}.{name}"
            else:
                yield from unknown(part, below, f"{at}.{name}")
    if isinstance(body, list):
        for part in body:
            yield from unknown(part, schema.get("items", {}), f"{at}[]")


def of_ours() -> list[tuple[Block, Json]]:
    return [(block, body) for block, body in written() if body.get("kind") in SPECS]


def parts() -> list[tuple[Block, Json]]:
    """A `spec:` alone: a part of a feature or of an incident."""
    return [(block, body) for block, body in written() if set(body) == {"spec"}]


def test_every_object_of_ours_is_what_the_models_take() -> None:
    for block, body in of_ours():
        schema = SCHEMAS[body["kind"]]["properties"]["spec"]
        assert list(unknown(body["spec"], schema)) == [], str(block)
        if "…" not in str(body):
            SPECS[body["kind"]].model_validate(body["spec"])


def test_every_part_of_an_object_names_fields_of_one_of_our_kinds() -> None:
    for block, body in parts():
        found = [
            list(unknown(body["spec"], schema["properties"]["spec"])) for schema in SCHEMAS.values()
        ]
        assert min(found, key=len) == [], str(block)


def test_there_are_objects_and_parts_to_look_at() -> None:
    assert len(of_ours()) > 2
    assert len(parts()) > 5


def test_a_field_that_does_not_exist_is_found() -> None:
    schema = SCHEMAS["AIFeature"]["properties"]["spec"]
    assert list(unknown({"ramp": {"steps": [{"weight": 1}]}}, schema)) == [".ramp.steps[].weight"]
