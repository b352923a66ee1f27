"""How many replicas of the server run: a KEDA ScaledObject on what TensorRT-LLM tells Prometheus.

Source: the `MetricsCollector` of TensorRT-LLM. Release 1.2 counts no tokens and no requests that wait, only the seconds that each
request took, so both are worked out from those where the counters are not there; before it, names had no `trtllm_`.
"""

from collections.abc import Mapping
from typing import Any

from pipeline_dsl.lang.kubernetes import Serving

_WINDOW = "2m"
_NEVER_ZERO = "1e-9"
"""Of what is divided by: without any request there are no tokens either, and no number would be an error to KEDA."""


def scaling(serving: Serving, scaled: Mapping[str, str], pods: Mapping[str, str]) -> dict[str, Any]:
    """A ScaledObject's spec; `scaled` is the workload, `pods` the labels by which Prometheus knows its pods.

    Two triggers: tokens are counted when a request ends, so they lag behind a burst; requests that wait show it at once.
    """
    chosen = ",".join(f'{name}="{value}"' for name, value in pods.items())
    fewest, most = serving.replicas
    behavior = {
        "scaleUp": {"stabilizationWindowSeconds": 60, "policies": [{"type": "Pods", "value": 2, "periodSeconds": 60}]},
        "scaleDown": {"stabilizationWindowSeconds": 600, "policies": [{"type": "Pods", "value": 1, "periodSeconds": 120}]},
    }
    return {
        "scaleTargetRef": dict(scaled),
        "minReplicaCount": max(1, fewest),
        "maxReplicaCount": most,
        "pollingInterval": 15,
        "cooldownPeriod": 300,
        "fallback": {"failureThreshold": 3, "replicas": max(1, fewest), "behavior": "currentReplicasIfHigher"},
        "advanced": {"horizontalPodAutoscalerConfig": {"behavior": behavior}},
        "triggers": [
            _trigger(serving, "tokens", _tokens(chosen), serving.tokens_per_second),
            _trigger(serving, "waiting", _waiting(chosen), serving.waiting),
        ],
    }


def _tokens(chosen: str) -> str:
    """Tokens written a second: seconds spent writing, by the seconds that one token takes."""
    seconds = f"({_rate('e2e_request_latency_seconds_sum', chosen)} - {_rate('time_to_first_token_seconds_sum', chosen)})"
    each = [_rate(f"time_per_output_token_seconds_{part}", chosen) for part in ("count", "sum")]
    worked_out = f"{seconds} * {each[0]} / clamp_min({each[1]}, {_NEVER_ZERO})"
    return f"sum(rate(trtllm_generation_tokens_total{{{chosen}}}[{_WINDOW}])) or {worked_out}"


def _waiting(chosen: str) -> str:
    """Requests that wait: as many as seconds are waited in one second."""
    return f"sum(trtllm_num_requests_waiting{{{chosen}}}) or {_rate('request_queue_time_seconds_sum', chosen)}"


def _rate(name: str, chosen: str) -> str:
    return f'sum(rate({{__name__=~"(trtllm_)?{name}",{chosen}}}[{_WINDOW}]))'


def _trigger(serving: Serving, name: str, query: str, threshold: int) -> dict[str, Any]:
    asked = {"serverAddress": serving.prometheus, "query": query, "threshold": str(threshold), "ignoreNullValues": "false"}
    return {"type": "prometheus", "name": name, "metricType": "AverageValue", "metadata": asked}
