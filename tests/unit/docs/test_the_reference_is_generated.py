"""The API reference says all that the CRDs say, and is what hack/gen-docs makes."""

import pytest

from goaround.api.base import Json
from goaround.api.crd import crd
from goaround.api.kinds import SERVED, Served
from goaround.api.presets import PRESETS
from hack.pages import presets
from hack.pages.fields import rows, rules
from hack.pages.reference import generated
from tests.pages import DOCS, ROOT, text

SCHEMA: Json = {
    "type": "object",
    "description": "A thing.",
    "required": ["size"],
    "properties": {
        "size": {
            "type": "integer",
            "description": "How large. Default: 3. Range: 1 to 9.",
            "default": 3,
            "minimum": 1,
            "maximum": 9,
        },
        "parts": {
            "type": "array",
            "description": "Its parts.",
            "maxItems": 4,
            "items": {
                "type": "object",
                "properties": {"name": {"type": "string", "description": "Its name."}},
                "x-kubernetes-validations": [{"rule": "true", "message": "no: do this"}],
            },
        },
        "kind": {
            "type": "string",
            "description": "Which. Default: A.",
            "default": "A",
            "enum": ["A"],
        },
    },
}


def test_what_is_generated_is_what_is_there() -> None:
    files = generated(ROOT) | {ROOT / presets.PAGE: presets.page()}
    stale = [str(path) for path, wanted in files.items() if text(path) != wanted]
    assert stale == [], "run hack/gen-crds, then hack/gen-docs"


def test_a_row_has_default_and_bounds_once() -> None:
    size = next(row for row in rows(SCHEMA, "spec") if row.path == "spec.size")
    assert (size.words, size.default, size.bounds) == ("How large.", "3", "1 to 9")
    assert size.required


def test_fields_of_items_are_rows_too_and_lists_say_of_what() -> None:
    found = {row.path: row for row in rows(SCHEMA, "spec")}
    assert found["spec.parts"].type == "list of object"
    assert found["spec.parts"].bounds == "at most 4 items"
    assert found["spec.parts[].name"].words == "Its name."


def test_choices_are_bounds() -> None:
    kind = next(row for row in rows(SCHEMA, "spec") if row.path == "spec.kind")
    assert (kind.words, kind.default, kind.bounds) == ("Which.", '"A"', "one of `A`")


def test_a_rule_is_told_where_it_stands() -> None:
    (rule,) = rules(SCHEMA, "spec")
    assert (rule.path, rule.message) == ("spec.parts[]", "no: do this")


@pytest.mark.parametrize("served", SERVED, ids=lambda served: served.kind.kind)
def test_every_field_and_every_refusal_of_a_kind_is_on_its_page(served: Served) -> None:
    page = text(DOCS / "reference" / f"{served.singular}.md")
    schema = crd(served)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
    for part in {"spec", "status"} & schema.keys():
        below = [row for row in rows(schema[part], part) if row.path != part]
        assert [row.path for row in below if _cell(row.words) not in page] == []
        assert [r.path for r in rules(schema[part], part) if r.message not in page] == []


def _cell(words: str) -> str:
    return words.replace("|", "\\|")


def test_every_preset_is_on_the_page() -> None:
    page = text(ROOT / presets.PAGE)
    assert [name for name in PRESETS if f"| `{name}` |" not in page] == []
