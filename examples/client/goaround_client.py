"""The reference client of GoAround: how an application joins, in plain calls. Copy it or import it.

Decides, request by request, which release serves, whether input and output keep the contract, what
serves when they do not, and what is counted. Refuses to fail a user because a release did, to call
an arm what nobody randomised, and to log a body.
"""

import logging
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import product
from typing import Any

from jsonschema import Draft202012Validator
from openfeature import api
from openfeature.contrib.provider.flagd import FlagdProvider
from openfeature.contrib.provider.flagd.config import ResolverType
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import OpenFeatureError
from openfeature.flag_evaluation import Reason
from openfeature.provider import AbstractProvider
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from referencing import Registry

STABLE, CANDIDATE, FALLBACK, GOLDEN = "stable", "candidate", "fallback", "golden"
UNASSIGNED = "unassigned"
BUCKETS = tuple(f"b{n:02d}" for n in range(20))
RESULTS = OK, ERROR, SCHEMA_ERROR, UNSUPPORTED = "ok", "error", "schema_error", "unsupported"
BOUNDS = {"ai_request_seconds": (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)}
SWITCHED_OFF = "This feature is switched off at the moment."
log = logging.getLogger("goaround.client")
Wire = Mapping[str, Any]  # a value of the flag, or a part of it
Ask = Callable[[Wire, Any], "Reply"]  # one request to a release


class ContractViolation(ValueError):
    """It breaks the contract. `Ask` may raise it, too: its text is logged, so without content."""


class InputRejected(ContractViolation):
    """Blocked before the model; the text is for whoever sent it."""


@dataclass(frozen=True, slots=True)
class SessionRelease:
    """What serves a session. `arm` is where the flag put it, `variant` its label on metrics."""

    user: str
    arm: str
    variant: str
    bucket: str = ""
    value: Wire = field(default_factory=dict)

    @property
    def release(self) -> str:
        """The short digest, `fallback`, or `unreadable`: it goes into a header."""
        told = str(self.value.get("release")) if self.value.get("enabled") is True else FALLBACK
        return told if re.fullmatch("[0-9a-f]{6,64}|fallback", told) else "unreadable"


@dataclass(frozen=True, slots=True)
class Reply:
    """What a release said: `result` is `ok`, or `unsupported`, `refused`, `empty`; `scores` from 0
    to 1 by metric, say `ai_confidence`. The client adds as what it counted, and who served."""

    output: Any
    result: str = OK
    scores: Mapping[str, float] = field(default_factory=dict)
    session: SessionRelease = SessionRelease("", FALLBACK, FALLBACK)
    served_by: str = "release"


@dataclass(slots=True)
class Breaker:
    """Opens for `openSeconds` when the mean of the last `minRequests` values is out of bounds; then
    one request tries. A try opens it anew until its own value is known: a lost one only delays."""

    release: str
    rule: Wire
    open_until: float | None = None
    _values: list[float] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def enter(self, now: float) -> str:
        """`closed`, or `trial` (of half-open): go on; empty: you may not."""
        with self._lock:
            if self.open_until is None or now < self.open_until:
                return "closed" if self.open_until is None else ""
            self.open_until = now + float(self.rule["openSeconds"])
            return "trial"

    def saw(self, entered: str, said: Reply, now: float) -> None:
        """Learn from a score, or from whether the result was the metric; else nothing."""
        metric = self.rule["metric"]
        value = float(said.result == metric) if metric in RESULTS else said.scores.get(metric)
        with self._lock:
            if value is None or (entered == "closed" and self.open_until is not None):
                return
            least = int(self.rule["minRequests"]) if entered == "closed" else 1
            self._values = [*self._values, value][-least:]
            if len(self._values) == least:
                limit = float(self.rule.get("above", self.rule.get("below")))
                over = round(sum(self._values) / least - limit, 9)  # three times 0.7 is below 2.1
                is_off = over > 0 if "above" in self.rule else over < 0
                self.open_until = now + float(self.rule["openSeconds"]) if is_off else None


@dataclass(slots=True)
class GoAround:
    """One feature in this process; thread-safe. `instead`: what serves for a member of the chain,
    by name or type, and for `CodeDefault`. `clock`: seconds, which never go back."""

    namespace: str
    feature: str
    registry: CollectorRegistry
    instead: Mapping[str, Callable[[Any, Wire], Any]]
    key: str = ""
    bounds: Mapping[str, Sequence[float]] = field(default_factory=BOUNDS.copy)
    clock: Callable[[], float] = time.perf_counter
    provider: AbstractProvider | None = None
    _metrics: dict[str, Any] = field(default_factory=dict)
    _breakers: dict[str, Breaker] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def start(self, host: str = "127.0.0.1", port: int = 8015) -> bool:
        """Connect; blocks up to 0.5 s. False: no flags yet, the provider goes on trying."""
        domain = f"{self.namespace}/{self.feature}"
        self.provider = self.provider or FlagdProvider(
            host=host, port=port, selector=domain, resolver_type=ResolverType.IN_PROCESS,
            # else the stream ends every 600 s, and a kill is missed for up to 5.8 s
            stream_deadline_ms=0, retry_backoff_ms=100, retry_backoff_max_ms=200,
        )  # fmt: skip
        for arm, bucket, result in product((STABLE, CANDIDATE, FALLBACK), BUCKETS, RESULTS):
            self.count("ai_requests_total", SessionRelease("", arm, arm, bucket), 0, result=result)
        try:
            api.set_provider_and_wait(self.provider, domain=domain)
        except OpenFeatureError as error:
            log.warning("flags=absent serving=code-default error=%s", type(error).__name__)
            return False
        return True

    def stop(self) -> None:
        """End the stream; the last known flags keep answering."""
        if self.provider is not None:
            self.provider.shutdown()

    def session(self, user: str, held: SessionRelease | None = None) -> SessionRelease:
        """The release for a user's session, empty: for nobody. Call it at each request with what
        the session `held`: a climb waits for the next session, the way down does not."""
        now, stable = self._evaluate(user)
        if held is None or (held.user, held.arm, now.arm) != (user, STABLE, CANDIDATE):
            return now
        return replace(held, variant=UNASSIGNED) if held.release == stable else now

    def pinned(self, pin: str) -> SessionRelease:
        """The release that a golden run pinned. Whatever the pin, nobody of it is a user."""
        now, _ = self._evaluate(pin)
        arm = {FALLBACK: FALLBACK, GOLDEN: GOLDEN, "goldenStable": GOLDEN}.get(now.arm, UNASSIGNED)
        return replace(now, arm=arm, variant=arm, bucket="")

    def _evaluate(self, user: str) -> tuple[SessionRelease, object]:
        """Where the flag puts a user now, and which release it calls stable."""
        context = EvaluationContext(targeting_key=user or None)
        client = api.get_client(domain=f"{self.namespace}/{self.feature}")
        told = client.get_object_details(self.key or f"{self.feature}.release", {}, context)
        value = told.value if isinstance(told.value, Mapping) else {}
        arm = str(told.variant) if value.get("enabled") is True else FALLBACK
        chosen = user and told.reason != Reason.DEFAULT and arm in (STABLE, CANDIDATE)
        label = arm if chosen or arm == FALLBACK else UNASSIGNED
        bucket = client.get_string_value(f"{self.feature}.bucket", "", context) if user else ""
        seen = SessionRelease(user, arm, label, bucket if bucket in BUCKETS else "", value)
        return seen, told.flag_metadata.get("stableRelease")

    def answer(self, session: SessionRelease, request: Any, ask: Ask) -> Reply:
        """Answer one request. Raises InputRejected and nothing else: a user waits."""
        began = self.clock()
        reply: Reply | Exception = _outcome(self._reply, session, request, ask)
        if isinstance(reply, InputRejected):
            self._violated("contract_input_rejected_total", session, reply)
            raise reply
        if isinstance(reply, Exception):  # what the flag states cannot be used
            log.error("release=%s unusable=%s", session.release, type(reply).__name__)
            reply = self._fall_back(session, request, ask, ERROR)
        self.count("ai_requests_total", reply.session, result=reply.result)
        for name, value in {"ai_request_seconds": self.clock() - began, **reply.scores}.items():
            _outcome(self._observe, name, reply.session, value)
        return reply

    def _reply(self, session: SessionRelease, request: Any, ask: Ask) -> Reply:
        _check(session.value, "input", request)
        if session.arm == FALLBACK:
            return self._fall_back(session, request, ask, "off")
        breaker = self._breaker(session)
        entered = breaker.enter(self.clock()) if breaker else "closed"
        if not entered:  # as on the fallback: what it did not answer tells nothing about it
            off = replace(session, variant=FALLBACK, value={**session.value, "enabled": False})
            return self._fall_back(off, request, ask, "breaker")
        said = self._try(session, request, ask)
        if breaker:
            breaker.saw(entered, said, self.clock())
        if said.result in (ERROR, SCHEMA_ERROR):
            return self._fall_back(session, request, ask, said.result)
        return said

    def _try(self, session: SessionRelease, request: Any, ask: Ask) -> Reply:
        """The release's answer, asked for again on a violation as often as the contract says."""
        output = (session.value.get("contract") or {}).get("output") or {}
        for _ in range(1 + int(output.get("retries", 1 if output else 0))):
            said = why = _outcome(ask, session.value, request)
            if isinstance(said, Reply):
                why = _outcome(_check, session.value, "output", said.output)
            if why is None:
                return Reply(said.output, said.result, said.scores, session)
            if not isinstance(why, ContractViolation):
                log.warning("release=%s failed=%s", session.release, type(why).__name__)
                return Reply(None, ERROR)
            self._violated("contract_output_violations_total", session, why)
        return Reply(None, SCHEMA_ERROR)

    def _fall_back(self, session: SessionRelease, request: Any, ask: Ask, why: str) -> Reply:
        """The first member of the chain that serves, else the code default, else a text."""
        stated = session.value.get("fallback") or {}
        chain = stated.get("chain") or ([stated] if "type" in stated else [])
        for member in (*chain, {"type": "CodeDefault"}, {"type": "Text"}):
            output = _outcome(self._serve, session.value, member, request, ask)
            if not isinstance(output, Exception):
                break
            log.warning("member=%s failed=%s", member.get("name"), type(output).__name__)
        name = str(member.get("name") or member["type"])
        self.count("ai_fallbacks_total", session, reason=why, member=name)
        return Reply(output, why if why in RESULTS else OK, {}, session, name)

    def _serve(self, value: Wire, member: Wire, request: Any, ask: Ask) -> Any:
        kind = member["type"]
        serve = self.instead.get(member.get("name", kind)) or self.instead.get(kind)
        if kind == "Text" or (serve is None and kind == "Disabled"):
            return member.get("text") or SWITCHED_OFF
        if serve is None and kind != "PreviousRelease":
            raise LookupError(f"nothing is registered for {kind}")
        before = {**value, "enabled": True, **member.get("release", {})}
        output = serve(request, member) if serve else ask(before, request).output
        if kind in ("PreviousRelease", "SmallModel"):  # models keep the contract, or are passed
            _check(value, "output", output)
        return output

    def _breaker(self, session: SessionRelease) -> Breaker | None:
        """The breaker of the release on this arm, where one is stated; golden runs have none."""
        rule = (session.value.get("fallback") or {}).get("breaker")
        if not rule or session.arm not in (STABLE, CANDIDATE):
            return None
        with self._lock:
            known = self._breakers.get(session.arm)
            if known is None or (known.release, known.rule) != (session.release, rule):
                known = self._breakers[session.arm] = Breaker(session.release, rule)
                gauge = self._metric(Gauge, "ai_breaker_open", session.arm)
                gauge.set_function(lambda: float(self.clock() < (known.open_until or 0.0)))
        return known

    def count(self, name: str, session: SessionRelease, by: int = 1, **more: str) -> None:
        """Count on the session's arm: also for the app, say `ai_feedback_total` by `result`."""
        self._metric(Counter, name, session.variant, ai_bucket=session.bucket, **more).inc(by)

    def _observe(self, name: str, session: SessionRelease, value: float) -> None:
        kind = partial(Histogram, buckets=self.bounds.get(name, [n / 20 for n in range(1, 21)]))
        self._metric(kind, name, session.variant, ai_bucket=session.bucket).observe(value)

    def _metric(self, kind: Any, name: str, variant: str, **more: str) -> Any:
        labels = {"namespace": self.namespace, "ai_feature": self.feature, **more}
        labels["ai_variant"] = variant
        with self._lock:
            if name not in self._metrics:
                self._metrics[name] = kind(name, name, tuple(labels), registry=self.registry)
            return self._metrics[name].labels(**labels)

    def _violated(self, name: str, session: SessionRelease, why: ContractViolation) -> None:
        self.count(name, session)
        output = (session.value.get("contract") or {}).get("output") or {}
        told = (name, self.feature, session.release, output.get("violationLogDays", 14), why)
        log.warning("violation=%s feature=%s release=%s keep_days=%s rule=%s", *told)


def _outcome(call: Callable[..., Any], *args: Any) -> Any:
    """Code of others: whatever it raises is its outcome, because a user waits for an answer."""
    try:
        return call(*args)
    except Exception as error:
        return error


def _check(value: Wire, side: str, body: Any) -> None:
    """Raise where the body breaks the published schema; says the rule, never the content."""
    schema = ((value.get("contract") or {}).get(side) or {}).get("schema", True)
    found = next(Draft202012Validator(schema, registry=Registry()).iter_errors(body), None)
    if found is not None:
        rule = f"{'/'.join(map(str, found.absolute_schema_path))}: {found.validator_value!r:.80}"
        raise InputRejected(rule) if side == "input" else ContractViolation(rule)
