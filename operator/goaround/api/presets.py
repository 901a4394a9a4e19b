"""Signals by name: what is read and which bounds hold where the author states none.

Data only. A preset never hides what it does: name, kind, bounds and arms stand here, and whatever
the author writes beside `preset` wins. Sources: requirements R36-R42 and R164-R169; metric names of
third parties as in notes/delivery.md 3.
"""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from goaround.api.signals import EventCount, Latency, Layer, Mean, Query, Ratio, TimeUnit, Worse

Kind = Ratio | Latency | Mean | EventCount | Query


@dataclass(frozen=True, slots=True)
class Preset:
    """One entry. max, min: the absolute bound where the author gives none, as in `Signal`.

    arms: an example of matchers where the metric knows nothing of features, so that the author must
    set `arms`; the metric's namespace label must be the feature's.
    """

    kind: Kind
    layer: Layer
    max: str | None = None
    min: str | None = None
    arms: str = ""


def _requests(result: str) -> Ratio:
    return Ratio(
        bad=f'ai_requests_total{{$match,result="{result}"}}', total="ai_requests_total{$match}"
    )


def _checks(metric: str, result: str) -> Ratio:
    return Ratio(bad=f'{metric}{{$match,result="{result}"}}', total=f"{metric}{{$match}}")


def _score(metric: str) -> Mean:
    return Mean(sum=f"{metric}_sum{{$match}}", count=f"{metric}_count{{$match}}", worse=Worse.LOWER)


def _events(metric: str) -> EventCount:
    return EventCount(events=f"{metric}{{$match}}", total="ai_requests_total{$match}")


def _slow(metric: str, seconds: str, unit: TimeUnit = TimeUnit.SECONDS) -> Latency:
    return Latency(histogram=f"{metric}_bucket{{$match}}", slower_than_seconds=seconds, unit=unit)


_INFRA, _OUTPUT = Layer.INFRASTRUCTURE, Layer.OUTPUT_QUALITY
_DATA, _SAFETY = Layer.DATA_PIPELINE, Layer.SAFETY

# What an app exports with our own labels (namespace, ai_feature, ai_variant).
_OURS: Final = {
    "schema-errors": Preset(_requests("schema_error"), _OUTPUT, max="0.02"),
    "request-errors": Preset(_requests("error"), _INFRA, max="0.01"),
    "unsupported-answers": Preset(_requests("unsupported"), _OUTPUT, max="0.10"),
    "refusals": Preset(_requests("refused"), _OUTPUT, max="0.05"),
    "slow-answers": Preset(_slow("ai_request_seconds", "2.5"), _INFRA, max="0.10"),
    "judge-score": Preset(_score("ai_judge_score"), _OUTPUT, min="0.7"),
    "mean-confidence": Preset(_score("ai_confidence"), _OUTPUT, min="0.6"),
    "low-confidence": Preset(_checks("ai_confidence_checks_total", "low"), _OUTPUT, max="0.20"),
    "thumbs-down": Preset(_checks("ai_feedback_total", "down"), _OUTPUT, max="0.20"),
}

# A difference between groups has no single counter: the widest gap of the last hour.
_NEGATIVE_SHARE: Final = (
    '(sum by (ai_group) (rate(ai_decisions_total{$match,decision="negative"}[1h])) '
    "/ sum by (ai_group) (rate(ai_decisions_total{$match}[1h])))"
)
_GAP: Final = f"max({_NEGATIVE_SHARE}) - min({_NEGATIVE_SHARE})"

# One detector for each way to fail that must not depend on anybody noticing (R164-R169).
_DETECTORS: Final = {
    "fairness-gap": Preset(Query(promql=_GAP), _SAFETY, max="0.05"),
    "hallucination-rate": Preset(
        _checks("ai_grounding_checks_total", "unsupported"), _OUTPUT, max="0.05"
    ),
    "retrieval-relevance": Preset(_score("ai_retrieval_relevance"), _OUTPUT, min="0.6"),
    "pii-in-output": Preset(_events("ai_pii_in_output_total"), _SAFETY, max="0"),
    "toxic-output": Preset(_events("ai_toxic_output_total"), _SAFETY, max="0"),
    "safety-filter-silent": Preset(
        Ratio(
            bad="ai_safety_filter_triggers_total{$match}",
            total="ai_requests_total{$match}",
        ),
        _SAFETY,
        min="0.0001",
    ),
    "empty-answer-rate": Preset(_requests("empty"), _OUTPUT, max="0.02"),
    "identical-result-share": Preset(
        _checks("ai_result_checks_total", "identical"), _OUTPUT, max="0.20"
    ),
    "retrieval-empty-rate": Preset(_checks("ai_retrievals_total", "empty"), _DATA, max="0.05"),
    "output-diversity": Preset(_score("ai_output_diversity"), _OUTPUT, min="0.5"),
    "feature-parity": Preset(
        _checks("ai_feature_parity_checks_total", "mismatch"), _DATA, max="0.01"
    ),
    "support-tickets": Preset(_events("ai_support_tickets_total"), _OUTPUT, max="0.005"),
}

_POD: Final = 'pod=~"assist-cand-.*"'
_MODELS: Final = 'gen_ai_original_model="assist",gen_ai_request_model="claude-b"'
_TARGET: Final = 'target_model_name="assist-lora-v2"'
_WORKLOAD: Final = 'destination_workload="assist-candidate"'
_CLUSTER: Final = 'envoy_cluster_name="httproute/ai/assist/rule/1/backend/1"'
_KSERVE: Final = 'pod=~"assist-v2-predictor-.*"'
_CANARY: Final = 'canary="ai-assist-candidate-8080"'

# What servers and gateways export; the arms are told apart by the matchers shown.
_THIRD_PARTIES: Final = {
    "vllm-ttft": Preset(
        _slow("vllm:time_to_first_token_seconds", "1"), _INFRA, max="0.10", arms=_POD
    ),
    "vllm-inter-token": Preset(
        _slow("vllm:inter_token_latency_seconds", "0.1"), _INFRA, max="0.10", arms=_POD
    ),
    "vllm-latency": Preset(
        _slow("vllm:e2e_request_latency_seconds", "10"), _INFRA, max="0.10", arms=_POD
    ),
    "vllm-aborts": Preset(
        Ratio(
            bad='vllm:request_success_total{$match,finished_reason="abort"}',
            total="vllm:request_success_total{$match}",
        ),
        _INFRA,
        max="0.02",
        arms=_POD,
    ),
    "vllm-truncation": Preset(
        Ratio(
            bad='vllm:request_success_total{$match,finished_reason="length"}',
            total="vllm:request_success_total{$match}",
        ),
        _OUTPUT,
        max="0.10",
        arms=_POD,
    ),
    "vllm-saturation": Preset(
        Query(promql="max(vllm:kv_cache_usage_perc{$match})"), _INFRA, max="0.95", arms=_POD
    ),
    "ai-gateway-errors": Preset(
        Ratio(
            bad='gen_ai_server_request_duration_seconds_count{$match,error_type!=""}',
            total="gen_ai_server_request_duration_seconds_count{$match}",
        ),
        _INFRA,
        max="0.02",
        arms=_MODELS,
    ),
    "ai-gateway-ttft": Preset(
        _slow("gen_ai_server_time_to_first_token_seconds", "1"), _INFRA, max="0.10", arms=_MODELS
    ),
    "epp-errors": Preset(
        Ratio(bad="llm_d_epp_request_error_total{$match}", total="llm_d_epp_request_total{$match}"),
        _INFRA,
        max="0.02",
        arms=_TARGET,
    ),
    "epp-ttft": Preset(
        _slow("llm_d_epp_request_ttft_seconds", "1"), _INFRA, max="0.10", arms=_TARGET
    ),
    "istio-errors": Preset(
        Ratio(
            bad='istio_requests_total{$match,reporter="destination",response_code=~"5..|0"}',
            total='istio_requests_total{$match,reporter="destination"}',
        ),
        _INFRA,
        max="0.01",
        arms=_WORKLOAD,
    ),
    "istio-latency": Preset(
        Latency(
            histogram='istio_request_duration_milliseconds_bucket{$match,reporter="destination"}',
            slower_than_seconds="2.5",
            unit=TimeUnit.MILLISECONDS,
        ),
        _INFRA,
        max="0.10",
        arms=_WORKLOAD,
    ),
    "envoy-errors": Preset(
        Ratio(
            bad='envoy_cluster_upstream_rq_xx{$match,envoy_response_code_class="5"}',
            total="envoy_cluster_upstream_rq_xx{$match}",
        ),
        _INFRA,
        max="0.01",
        arms=_CLUSTER,
    ),
    "kserve-predict": Preset(
        _slow("request_predict_seconds", "2.5"), _INFRA, max="0.10", arms=_KSERVE
    ),
    "nginx-errors": Preset(
        Ratio(
            bad='nginx_ingress_controller_requests{$match,status=~"5.."}',
            total="nginx_ingress_controller_requests{$match}",
        ),
        _INFRA,
        max="0.01",
        arms=_CANARY,
    ),
}

PRESETS: Final = MappingProxyType({**_OURS, **_DETECTORS, **_THIRD_PARTIES})
