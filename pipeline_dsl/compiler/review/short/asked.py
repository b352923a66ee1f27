"""Gates as people write them, in the words of a manifest: `metric >= number`."""

import re

import attrs

from pipeline_dsl.compiler.review.short.amounts import amount, is_percentage
from pipeline_dsl.compiler.review.tree import Tree
from pipeline_dsl.gates.metrics import METRICS

METRIC_NAMES = {
    **dict.fromkeys(("kl", "kl_divergence", "kl_budget", "kl_max", "max_kl", "kl_from_ref", "kl_nats"), "kl_from_reference"),
    **dict.fromkeys(("kl_to_reference", "kl_divergence_from_reference", "cumulative_kl", "total_kl", "kl_total"), "kl_from_reference"),
    **dict.fromkeys(("cost", "cost_usd", "total_cost", "total_cost_usd", "cost_total", "max_cost_usd", "budget_usd"), "cost_total_usd"),
    **dict.fromkeys(("humaneval+", "humaneval-plus", "HumanEval+"), "humaneval_plus"),
    **dict.fromkeys(("mmlu-pro", "MMLU-Pro", "mmlupro"), "mmlu_pro"),
    **dict.fromkeys(("refusal_rate", "over_refusal_rate"), "safety_refusal_rate"),
}
"""What people call metrics, beside their names."""

_PARTS = {
    "metric": ("metric", "name", "benchmark", "gate"),
    "operator": ("operator", "op", "comparison", "comparator"),
    "threshold": ("threshold", "value", "level", "bound", "limit", "target"),
    "of": ("of", "stage"),
    "min": ("min", "minimum", "at_least", "gte"),
    "max": ("max", "maximum", "at_most", "lte"),
}
_TOLD = ("description", "reason", "why", "notes", "rationale", "severity", "owner", "blocking", "required", "type", "unit")
_OPERATORS = {"≥": ">=", "≤": "<=", "gte": ">=", "lte": "<=", "ge": ">=", "le": "<=", "at_least": ">=", "at_most": "<="}
_LEVEL = re.compile(r"(?P<operator>>=|<=|≥|≤)\s*(?P<base>baseline)?\s*(?P<sign>[-+])?\s*(?P<level>[^-+\s][^#]*?)?").fullmatch


def metric_name(said: str) -> str:
    """A metric by the name under which it is known here."""
    for name in (said, said.lower(), snake(said)):
        if name in METRIC_NAMES or name in METRICS:
            return METRIC_NAMES.get(name, name)
    return said


def snake(name: str) -> str:
    """`cost_usd` of `costUsd` and `cost-usd`."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).replace("-", "_").lower()


def gathered(parts: list[Tree]) -> list[Tree]:
    """The gates of several places, each a text."""
    found: list[Tree] = []
    for part in map(asked, parts):
        found += part.members
        found += [_written(gate, f"{name} {gate.text or gate.plain!s}") for name, gate in part.items.items()]
    return found


def asked(gates: Tree) -> Tree:
    """The gates of a short manifest, each a text; one that nothing can be made of stays as it is."""
    if isinstance(gates.value, list):
        return attrs.evolve(gates, value=[one for item in gates.members for one in _listed(item)])
    if any(isinstance(item.value, dict) for item in gates.items.values()):
        return attrs.evolve(gates, value=[one for name, item in gates.items.items() for one in _named(name, item)])
    named: dict[str, Tree] = {}
    for name, item in gates.items.items():
        metric = metric_name(name)
        taken = metric in named or (metric != name and metric in gates.items)
        named[name if taken else metric] = _written(item, _level(metric, item.text or "")) if isinstance(item.value, str) else item
    return attrs.evolve(gates, value=named) if gates.items else gates


def _named(name: str, gate: Tree) -> list[Tree]:
    if _is_group(gate):
        return [one for inner, item in gate.items.items() for one in _named(inner, item)]
    if isinstance(gate.value, dict):
        return _parts(name, gate)
    metric = metric_name(name)
    return [_written(gate, f"{metric} {_level(metric, gate.text or str(gate.plain))}")]


def _is_group(gate: Tree) -> bool:
    """Whether a mapping has gates in it, by metric, and is none itself."""
    own = {key for keys in _PARTS.values() for key in keys} | {*_TOLD}
    return bool(gate.items) and not own & set(gate.items)


def _listed(gate: Tree) -> list[Tree]:
    if isinstance(gate.value, dict):
        only = next(iter(gate.items.items())) if len(gate.items) == 1 else None
        if only is None and _is_group(gate):
            return _named("", gate)
        return _named(*only) if only else _parts("", gate)
    said, _, level = (gate.text or "").strip().partition(" ")
    metric = metric_name(said)
    return [_written(gate, f"{metric} {_level(metric, level)}")] if isinstance(gate.value, str) and level else [gate]


def _parts(name: str, gate: Tree) -> list[Tree]:
    given = {part: gate.items[key] for part, keys in _PARTS.items() for key in reversed(keys) if key in gate.items}
    metric = metric_name(name or (given["metric"].text or "" if "metric" in given else ""))
    of = f" of {given['of'].text}" if "of" in given else ""
    strange = set(gate.items) - {key for keys in _PARTS.values() for key in keys} - set(_TOLD)
    found = [
        f"{metric} {_level(metric, f'{operator} {given[part].text}')}{of}"
        for part, operator in (("min", ">="), ("max", "<="))
        if part in given
    ]
    if "threshold" in given and "operator" in given:
        operator = (given["operator"].text or "").strip()
        level = f"{_OPERATORS.get(operator, operator)} {given['threshold'].text}"
        found.append(f"{metric} {_level(metric, level)}{of}")
    elif "threshold" in given:
        found.append(f"{metric} {_level(metric, (given['threshold'].text or '').strip())}{of}")
    return [gate] if strange or not metric or not found else [_written(gate, text) for text in found]


def _level(metric: str, said: str) -> str:
    """`>= 0.05` of `>= 5%`, `<= 50000` of `<= $50k`; whatever is no amount stays."""
    said = " ".join(said.split())
    match = _LEVEL(said) if len(said) <= 400 else None
    if match is None or not match["level"]:
        return said
    level = amount(match["level"])
    if level is None:
        return said
    known = METRICS.get(metric)
    if is_percentage(match["level"]) and (known.unit == "fraction" if known else match["operator"] in ("<=", "≤")):
        level /= 100
    base = f"baseline {match['sign'] or '+'} " if match["base"] else match["sign"] or ""
    return f"{match['operator']} {base}{level:.15g}"


def _written(gate: Tree, text: str) -> Tree:
    return attrs.evolve(gate, value=text, text=text)
