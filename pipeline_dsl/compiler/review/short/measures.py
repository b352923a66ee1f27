"""What the stages of a manifest in the short spelling measure."""

import difflib
import re
from typing import Any

from pipeline_dsl.compiler.review.short.brief import Brief
from pipeline_dsl.compiler.review.short.kinds import words_of
from pipeline_dsl.compiler.review.tree import Tree
from pipeline_dsl.gates.metrics import METRICS, RUN_METRICS


def measures(brief: Brief, name: str) -> list[Any]:
    """Evaluations measure what the gates ask for, alignment the divergence."""
    kind = brief.kinds[name]
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
        if name not in _measurers(brief, metric):
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


_SAFETY = {"safety", "refusal", "violation", "toxicity", "harm", "harmful", "jailbreak", "bias"}
_ATTACKED = {"red", "redteam", "harmbench", "adversarial", "toxigen", "advbench"}
"""What the name or the recipe of an evaluation says that is for safety alone."""


def _measurers(brief: Brief, metric: str) -> list[str]:
    """The evaluations that measure a metric: those that name it, else those for its family."""
    stages = [name for name, kind in brief.kinds.items() if kind == "evaluate"]
    words = {name: words_of(name) | {word for part in _SAYING for word in _words(brief.stages[name].items.get(part))} for name in stages}
    named = [name for name in stages if words_of(metric) & {metric.lower(), metric.lower().split("_")[0]} & words[name] - _SAFETY]
    safe = [name for name in stages if words[name] & (_SAFETY | _ATTACKED)]
    family = safe if _family(metric) == "safety" else [name for name in stages if name not in safe]
    return named or family or stages


_SAYING = ("recipe", "benchmarks", "suite", "eval_data")


def _words(said: Tree | None) -> set[str]:
    if said is None:
        return set()
    members = {word for item in (*said.members, *said.items.values()) for word in words_of(item.text or "")}
    return words_of(said.text or "") | members | {word for name in said.items for word in words_of(name)}


def _family(metric: str) -> str:
    words = words_of(metric)
    if words & _SAFETY:
        return "safety"
    return "contamination" if words & {"contamination", "overlap"} else "capability"
