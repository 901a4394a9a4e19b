"""The benches' own arithmetic: what they read and what they print is what was there."""

import time

import pytest

from hack.bench.figures import spread, table
from hack.bench.senses import candidate_percent
from hack.bench.traffic import BAD_SHARE, RATE, App
from hack.bench.usage import Usage, requests, samples, total

PAGE = """\
# HELP apiserver_request_total Counter of requests
apiserver_request_total{code="200",group="goaround.dev",resource="aifeatures",subresource="status",verb="PATCH"} 7
apiserver_request_total{code="409",group="goaround.dev",resource="aifeatures",subresource="status",verb="PATCH"} 2
apiserver_request_total{code="200",group="",resource="secrets",subresource="",verb="LIST"} 5
apiserver_request_total_other{verb="GET"} 1
queries_total{handler="/api/v1/query_range",code="200"} 1.5e+01
up 1
"""  # noqa: E501


def test_percentiles_are_values_that_were_measured() -> None:
    assert spread([0.4, 0.1, 0.3, 0.2]) == {"n": 4, "p50": 0.2, "p90": 0.4, "p99": 0.4, "max": 0.4}
    assert spread([]) == {"n": 0}


def test_the_99th_percentile_of_a_hundred_is_not_the_worst() -> None:
    told = spread(float(n) for n in range(100))
    assert (told["p50"], told["p99"], told["max"]) == (49.0, 98.0, 99.0)


def test_a_table_is_aligned_with_numbers_to_the_right() -> None:
    rows = [{"what": "one", "n": 1, "s": 0.5}, {"what": "twenty", "n": 20, "s": 10.25}]
    assert table("both", rows).splitlines() == [
        "both",
        "  what     n       s",
        "  one      1   0.500",
        "  twenty  20  10.250",
    ]


def test_requests_are_counted_by_verb_whatever_their_answer_and_only_ours() -> None:
    assert requests(PAGE) == {"PATCH aifeatures/status": 9}


def test_a_metric_is_not_taken_for_one_whose_name_it_begins() -> None:
    assert len(samples(PAGE, "apiserver_request_total")) == 3
    assert total(PAGE, "queries_total", handler="/api/v1/query_range") == 15
    assert total(PAGE, "up") == 1


def test_usage_is_a_difference_but_for_memory() -> None:
    before = Usage(at=1.0, cpu=2.0, rss=90.0, requests={"GET leases": 3, "LIST x": 1}, queries=4)
    after = Usage(at=3.0, cpu=2.5, rss=95.0, requests={"GET leases": 5, "LIST x": 1}, queries=9)
    spent = after.since(before)
    assert (spent.at, spent.cpu, spent.rss, spent.queries) == (2.0, 0.5, 95.0, 5)
    assert spent.requests == {"GET leases": 2}


def test_users_follow_the_split_and_only_a_bad_candidate_errs() -> None:
    now = time.monotonic()
    app = App({"stable": 90, "candidate": 10}, now, is_bad=True)
    app.until(now + 10)
    assert app.served["stable", "ok"] == pytest.approx(RATE * 9)
    assert app.served["stable", "error"] == 0
    assert app.served["candidate", "error"] == pytest.approx(RATE * BAD_SHARE)


def test_the_share_on_the_stream_is_that_of_the_split_in_the_flag() -> None:
    who = {"var": "targetingKey"}
    shares = [{"cat": ["salt", who]}, ["candidate", 10], ["stable", 90], ["fallback", 0]]
    flag = {"defaultVariant": "stable", "targeting": {"if": [who, {"fractional": shares}, None]}}
    assert candidate_percent(flag) == 10
    assert candidate_percent({"defaultVariant": "fallback"}) == 0
