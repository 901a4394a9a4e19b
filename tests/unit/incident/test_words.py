"""What differs between two releases, part by part."""

from goaround.api.base import Json
from goaround.incident.words import changes
from tests.unit.incident.build import FAILED, SERVING, a_release


def test_the_same_release_differs_in_nothing() -> None:
    assert changes(FAILED, FAILED) == []


def test_a_part_is_told_with_both_versions() -> None:
    assert changes(FAILED, SERVING) == ["prompt: support v43 (failed), support v42 (serves)"]


def test_a_part_that_only_one_has_is_told() -> None:
    failed = a_release("v42", index={"name": "faq", "version": "3"})
    assert changes(failed, SERVING) == ["index: faq 3 (failed), none (serves)"]
    assert changes(SERVING, failed) == ["index: none (failed), faq 3 (serves)"]


def test_parameters_are_told_one_by_one_in_order() -> None:
    failed = a_release("v42", parameters={"tools": "search", "temperature": "0.9"})
    serving = a_release("v42", parameters={"temperature": "0.2", "limit": "400"})
    assert changes(failed, serving) == [
        "parameters.limit: absent (failed), 400 (serves)",
        "parameters.temperature: 0.9 (failed), 0.2 (serves)",
        "parameters.tools: search (failed), absent (serves)",
    ]


def test_two_texts_under_one_name_are_told_apart() -> None:
    ref: Json = {"name": "prompts", "key": "v42"}
    failed, serving = (
        a_release("v42", prompt={"configMapRef": ref | {"hash": "sha256:" + digit * 64}})
        for digit in "ab"
    )
    assert changes(failed, serving) == [
        "prompt: prompts/v42 aaaaaaaaaaaa (failed), prompts/v42 bbbbbbbbbbbb (serves)"
    ]


def test_another_embedding_and_another_schema_are_told() -> None:
    index: Json = {"name": "faq", "version": "3"}
    schema: Json = {"name": "contract", "key": "answer.json", "hash": "sha256:" + "c" * 64}
    failed = a_release("v42", index=index | {"embedding": "e5@3"}, contract={"output": schema})
    assert changes(failed, a_release("v42", index=index)) == [
        "index: faq 3 embedded with e5@3 (failed), faq 3 (serves)",
        "contract.output: contract/answer.json cccccccccccc (failed), none (serves)",
    ]


def test_all_parts_at_once_stay_in_the_order_of_a_release() -> None:
    failed = a_release("v43", model={"name": "chat-8b", "version": "1"}, parameters={"a": "1"})
    assert [c.split(":")[0] for c in changes(failed, SERVING)] == [
        "model",
        "prompt",
        "parameters.a",
    ]


def test_the_longest_words_are_cut_to_what_status_takes() -> None:
    wide = {f"p{n:02d}": "x" * 512 for n in range(32)}
    wider = {f"q{n:02d}": "y" * 512 for n in range(32)}
    found = changes(a_release("v1", parameters=wide), a_release("v2", parameters=wider))
    assert len(found) == 48
    assert max(map(len, found)) <= 512
