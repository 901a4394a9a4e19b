"""AIFeature.spec.preflight and status.preflight: what a release must show before any user sees it.

It says what is asked of whom, and what came of it in verdicts and hashes; bodies are never kept.
What a golden set looks like is decided in `evidence/golden_set.py`, the verdict in
`evidence/golden.py`.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from goaround.api.base import Digest, DnsLabel, Line, Model, ObjectName, Timestamp
from goaround.api.schema import atomic, cel, keyed_by, rules

MOST_CONTRACTS = 4
MOST_REGRESSIONS = 10
MOST_TAG_ROWS = 16

Tag = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9:._]*[a-z0-9])?$", max_length=63)]
Needle = Annotated[str, Field(min_length=1, max_length=128)]


class ConfigMapKey(Model):
    """A key of a ConfigMap in this namespace."""

    name: ObjectName = Field(description="Name of the ConfigMap.")
    key: str = Field(
        default="golden.yaml",
        pattern="^[-._a-zA-Z0-9]+$",
        max_length=253,
        description="Its key, with YAML or JSON of at most 512 KiB.",
    )


class ServiceEndpoint(Model):
    """A Service in this namespace, backed by pods of this namespace."""

    name: DnsLabel = Field(
        description="Name of the Service; it needs a selector and pods behind it, and no "
        "ExternalName."
    )
    port: int = Field(ge=1, le=65535, description="Port of the Service, by number.")
    path: str = Field(
        default="",
        pattern="^[-A-Za-z0-9._~/]*$",
        max_length=256,
        description="Path of the request, for example `/ask`. Default: `/`.",
    )


class Endpoint(Model):
    """Where requests go; never a URL of the feature's author."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            cel(
                "[has(self.service), has(self.endpointRef)].filter(kind, kind).size() == 1",
                "an endpoint is a service or an endpointRef: set exactly one",
            )
        )
    )

    service: ServiceEndpoint | None = Field(
        default=None, description="A Service in this namespace. No default."
    )
    endpoint_ref: DnsLabel | None = Field(
        default=None,
        description="Name of an endpoint that an administrator configured. No default.",
    )


def required_tags() -> list[str]:
    return ["edge", "privacy", "fairness"]


class GoldenSetSource(Model):
    """The golden set, and what it must have."""

    config_map_ref: ConfigMapKey = Field(description="Where its cases are.")
    min_cases: int = Field(
        default=10, ge=1, le=200, description="Fewest cases; a smaller set is refused."
    )
    required_tags: list[Tag] = Field(
        default_factory=required_tags,
        max_length=8,
        description="Tags that at least one case each must carry. Default: edge, privacy, "
        "fairness; `[]` asks for none.",
        json_schema_extra=atomic(),
    )


class Neighbour(StrEnum):
    INPUT = "Input"
    TOOL = "Tool"
    STORAGE = "Storage"


class Method(StrEnum):
    GET = "GET"
    POST = "POST"


class ContractRequest(Model):
    """What is asked of a neighbour."""

    method: Method = Field(default=Method.POST, description="`GET` or `POST`.")
    body: str = Field(
        default="",
        max_length=1024,
        description="JSON text that is sent with POST; empty: no body.",
    )


class ContractAnswer(Model):
    """What the answer must look like."""

    status: int = Field(
        default=200,
        ge=100,
        le=599,
        description="HTTP status; 4xx where the neighbour must refuse the request.",
    )
    json_schema: str | None = Field(
        default=None,
        max_length=2048,
        description="JSON Schema (draft 2020-12) of the body, as JSON text. No default.",
    )
    must_contain: list[Needle] = Field(
        default_factory=list,
        max_length=4,
        description="Texts that the body must contain.",
        json_schema_extra=atomic(),
    )
    must_not_contain: list[Needle] = Field(
        default_factory=list,
        max_length=4,
        description="Texts that the body must not contain.",
        json_schema_extra=atomic(),
    )


class Contract(Model):
    """One contract check against a neighbour of the feature: most bugs are bugs of a seam."""

    name: DnsLabel = Field(description="Name of the check, unique in the feature.")
    neighbour: Neighbour = Field(description="`Input`, `Tool` or `Storage`.")
    endpoint: Endpoint = Field(description="Where the neighbour is.")
    request: ContractRequest = Field(
        default_factory=ContractRequest, description="What it is asked."
    )
    answer: ContractAnswer = Field(
        default_factory=ContractAnswer, description="What it must answer."
    )


class Waiver(Model):
    """Why a kind of neighbour has no contract check."""

    neighbour: Neighbour = Field(description="`Input`, `Tool` or `Storage`.")
    reason: str = Field(
        min_length=1, max_length=256, description="Why none is needed, or not yet possible."
    )


class Preflight(Model):
    """What a release must show before it takes off, at 0 % of users."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            cel(
                "has(self.goldenSet) || (has(self.contracts) && self.contracts.size() > 0)",
                "preflight checks nothing: give it a goldenSet, or contracts, or take it out",
            ),
            cel(
                "!has(self.goldenSet) || has(self.endpoint)",
                "a goldenSet needs an endpoint: say where its cases are sent",
            ),
        )
    )

    golden_set: GoldenSetSource | None = Field(
        default=None, description="Cases that candidate and last-known-good answer. No default."
    )
    endpoint: Endpoint | None = Field(
        default=None,
        description="Where the cases are sent, as POST with the pin of the attempt. No default.",
    )
    repeats: int = Field(
        default=5, ge=1, le=20, description="How often each case runs on each release."
    )
    concurrency: int = Field(default=4, ge=1, le=16, description="Requests at once.")
    timeout_seconds: int = Field(
        default=10, ge=1, le=300, description="Longest time of one request, in seconds."
    )
    deadline_seconds: int = Field(
        default=1800,
        ge=10,
        le=86400,
        description="Longest time of the whole pre-flight, in seconds; then `Inconclusive`.",
    )
    max_response_bytes: int = Field(
        default=65536, ge=1024, le=262144, description="Largest answer, in bytes."
    )
    min_pass_percent: int = Field(
        default=80,
        ge=0,
        le=100,
        description="Smallest share of passed runs, in percent, where there is no last-known-good "
        "to compare with.",
    )
    contracts: list[Contract] = Field(
        default_factory=list,
        max_length=MOST_CONTRACTS,
        description="Contract checks, before the golden set.",
        json_schema_extra=keyed_by("name"),
    )
    waivers: list[Waiver] = Field(
        default_factory=list,
        max_length=3,
        description="Kinds of neighbours that need no contract check, each with the reason.",
        json_schema_extra=keyed_by("neighbour"),
    )


class PreflightVerdict(StrEnum):
    RUNNING = "Running"
    PASSED = "Passed"
    FAILED = "Failed"
    TOO_FEW = "TooFew"


class TagResult(Model):
    """What one tag shows on both releases, as passed/total runs."""

    tag: Tag = Field(description="The tag.")
    candidate: str = Field(max_length=16, description="Runs passed of all, on the candidate.")
    stable: str = Field(max_length=16, description="Runs passed of all, on last-known-good.")
    lost: bool = Field(default=False, description="true: worse at 5 %.")


class PreflightStatus(Model):
    """The pre-flight of one attempt: verdicts and hashes, never bodies."""

    verdict: PreflightVerdict = Field(
        default=PreflightVerdict.RUNNING,
        description="`Running`, `Passed`, `Failed`, or `TooFew` to judge.",
    )
    digest: Digest | None = Field(default=None, description="The candidate it is about.")
    attempt: int = Field(default=0, ge=0, description="Its attempt.")
    golden_hash: Digest | None = Field(default=None, description="Hash of the golden set.")
    passed: int = Field(default=0, ge=0, description="Runs of the candidate that passed.")
    total: int = Field(default=0, ge=0, description="Runs of the candidate.")
    by_tag: list[TagResult] = Field(
        default_factory=list,
        max_length=MOST_TAG_ROWS,
        description="The same by tag, lost ones first.",
        json_schema_extra=keyed_by("tag"),
    )
    regressions: list[DnsLabel] = Field(
        default_factory=list,
        max_length=MOST_REGRESSIONS,
        description="Cases and contracts that stand against the candidate.",
        json_schema_extra=atomic(),
    )
    report: ObjectName | None = Field(
        default=None, description="ConfigMap with the verdict of every case."
    )
    started_at: Timestamp | None = Field(default=None, description="When it began.")
    deadline_at: Timestamp | None = Field(
        default=None, description="When it ends without a verdict."
    )
    finished_at: Timestamp | None = Field(default=None, description="When the verdict came.")
    message: Line | None = Field(default=None, description="The verdict, or what it waits for.")
    pin: ObjectName | None = Field(
        default=None,
        description="Secret with the pin of this attempt, as long as it may exist.",
    )

    @property
    def is_running(self) -> bool:
        return self.verdict is PreflightVerdict.RUNNING
