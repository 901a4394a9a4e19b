"""The client as a whole: small, in one piece, safe among threads, counted as presets read it."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from examples.client import goaround_client
from examples.client.goaround_client import Reply
from goaround.api.presets import PRESETS
from goaround.api.signals import Latency, Mean, Ratio
from tests.unit.client.kit import GOOD, App, flag, value
from tests.unit.demo.builders import STABLE_DIGEST, FlagServer, flag_set, payload

FRAMEWORKS = {"aiohttp", "asyncio", "django", "examples", "fastapi", "flask", "goaround", "tests"}
QUIET = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef
SOURCE = Path(goaround_client.__file__).read_text(encoding="utf-8")
DOCS = Path(__file__).resolve().parents[3] / "docs" / "apps.md"


def lines_of_code(source: str) -> int:
    """Lines that are neither blank nor only comment or docstring."""
    code: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in QUIET and token.type != tokenize.ENDMARKER:
            code |= set(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node):
            code -= set(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    return len(code)


def test_it_is_one_module_of_less_than_250_lines_of_code_without_a_framework() -> None:
    assert lines_of_code(SOURCE) < 250
    tree = ast.walk(ast.parse(SOURCE))
    names = [n for node in tree if isinstance(node, ast.Import) for n in node.names]
    tree = ast.walk(ast.parse(SOURCE))
    found = {n.name.split(".")[0] for n in names}
    found |= {str(n.module).split(".")[0] for n in tree if isinstance(n, ast.ImportFrom)}
    assert not found & FRAMEWORKS


OURS = [
    name
    for name, preset in PRESETS.items()
    if isinstance(preset.kind, Ratio | Latency | Mean) and not preset.arms
]


def selectors(name: str) -> list[str]:
    """What a preset reads, as metric and labels."""
    match PRESETS[name].kind:
        case Ratio(bad=bad, total=total):
            return [bad, total]
        case Latency(histogram=histogram):
            return [histogram]
        case Mean(sum=total, count=number):
            return [total, number]
    raise AssertionError(name)


def used() -> App:
    """An app that has said everything there is a word for."""
    app = App()
    app.flags.send(flag())
    session = app.client.session("user-1")
    scores = ("ai_confidence", "ai_judge_score", "ai_retrieval_relevance", "ai_output_diversity")
    for result in ("ok", "unsupported", "refused", "empty", "error", "schema_error"):
        app.says = [Reply(GOOD, result, dict.fromkeys(scores, 0.5))]
        app.answer(session)
    checks = {
        "ai_confidence_checks_total": "low",
        "ai_feedback_total": "down",
        "ai_feature_parity_checks_total": "mismatch",
        "ai_grounding_checks_total": "unsupported",
        "ai_result_checks_total": "identical",
        "ai_retrievals_total": "empty",
    }
    for metric, result in checks.items():
        app.client.count(metric, session, result=result)
    app.client.count("ai_safety_filter_triggers_total", session)
    return app


def test_every_preset_of_apps_reads_what_the_client_counts() -> None:
    app = used()
    assert "schema-errors" in OURS
    for name in OURS:
        for selector in selectors(name):
            metric, result = re.fullmatch(
                r'(\w+)\{\$match(?:,result="(\w+)")?\}', selector
            ).groups()  # type: ignore[union-attr]
            labels = {"ai_variant": "stable", "ai_feature": "pricing", "ai_bucket": "b01"}
            labels |= {"namespace": app.client.namespace} | ({"result": result} if result else {})
            labels["ai_bucket"] = app.client.session("user-1").bucket
            assert app.read(metric, **labels) > 0, selector


def test_the_bound_of_the_slow_preset_is_a_bucket() -> None:
    kind = PRESETS["slow-answers"].kind
    assert isinstance(kind, Latency)
    found = used().read("ai_request_seconds_bucket", le=kind.slower_than_seconds)
    assert found > 0


def test_expected_results_start_at_zero_in_every_bucket() -> None:
    app = App()
    families = [m for m in app.client.registry.collect() if m.name == "ai_requests"]
    totals = [s for s in families[0].samples if s.name == "ai_requests_total"]
    assert len(totals) == 3 * 20 * 4
    assert {s.value for s in totals} == {0.0}


@pytest.mark.parametrize("scores", [{"ai confidence!": 0.5}, {"ai_confidence": "high"}])
def test_a_score_that_cannot_be_kept_fails_nobody(scores: dict[str, float]) -> None:
    app = App(says=[Reply(GOOD, scores=scores)])
    assert app.answer(app.on(value())).output == GOOD
    assert app.read("ai_requests_total", result="ok") == 1


def test_threads_lose_no_request() -> None:
    app = App()
    app.flags.send(flag(percent=50))

    def one(n: int) -> Reply:
        return app.client.answer(app.client.session(f"user-{n}"), {}, lambda *_: Reply(GOOD))

    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(one, range(200)))
    assert app.read("ai_requests_total") == len(replies) == 200
    assert app.read("ai_request_seconds_count") == 200


class Model:
    """What an application of its own would have."""

    def run(self, prompt: str, request: dict[str, str]) -> tuple[str, float]:
        return f"{prompt}: {request['question']}", 0.9


def test_the_example_of_the_docs_works_on_a_real_stream() -> None:
    found = re.search(r"```python\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    server = FlagServer(flag_set(candidate=payload(), percent=0))
    code = found[1].replace('"goaround-flags.goaround", 8015', f'"127.0.0.1", {server.port}')
    code = code.replace("from goaround_client", "from examples.client.goaround_client")
    names: dict[str, Any] = {"model": lambda _: Model(), "prompt": lambda part: part["version"]}
    exec(code, names)
    try:
        status, output, headers = names["handle"]("user-1", {"question": "where?"})
    finally:
        names["client"].stop()
        server.stop()
    assert (status, output) == (200, "v42: where?")
    assert headers == {"x-aifeature-release": f"support-chat@{STABLE_DIGEST}"}


@pytest.mark.parametrize("source", ['"""Doc."""\n\n# no\nx = 1\n', "x = 1\n"])
def test_a_line_of_code_is_neither_blank_nor_comment_nor_docstring(source: str) -> None:
    assert lines_of_code(source) == 1
