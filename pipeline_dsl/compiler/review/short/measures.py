"""What the stages of a manifest in the short spelling measure."""

import difflib
import re
from typing import Any

from pipeline_dsl.compiler.review.short.brief import Brief
from pipeline_dsl.compiler.review.short.kinds import words_of
from pipeline_dsl.gates.metrics import METRICS, RUN_METRICS


def measures(brief: Brief, kind: str) -> list[Any]:
    """Evaluations measure what the gates ask for, alignment the divergence."""
    if kind == "align":
        return ["kl_from_reference", "preference_accuracy"]
    if kind == "reward":
        return ["reward_accuracy"]
    if kind == "quantize":
        return ["quantization_accuracy_delta", "quantization_kl"]
    if kind == "serve":
        return ["server_tokens_per_second", "server_latency_p95_seconds"]
    if kind != "evaluate":
        return []
    found: list[Any] = []
    for metric, gate in brief.gates.items():
        if metric in RUN_METRICS or (metric in METRICS and METRICS[metric].family in ("divergence", "service", "cost")):
            continue
        near = metric not in METRICS and difflib.get_close_matches(metric, METRICS, n=1, cutoff=0.85)
        if metric in METRICS:
            found.append(metric)
        elif not near and re.fullmatch(r"[A-Za-z_][\w./-]*", metric):
            higher = ">" in (gate.text or "")
            found.append(
                {
                    "name": metric,
                    "unit": "percent" if higher else "fraction",
                    "better": "higher" if higher else "lower",
                    "family": _family(metric),
                }
            )
    return found


def _family(metric: str) -> str:
    words = words_of(metric)
    if words & {"safety", "refusal", "violation", "toxicity", "harm", "harmful", "jailbreak", "bias"}:
        return "safety"
    return "contamination" if words & {"contamination", "overlap"} else "capability"
