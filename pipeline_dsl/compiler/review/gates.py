"""Gates as a manifest spells them: `mmlu >= baseline + 0.5`, as one text, as a mapping, or by the metric's name."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.base.span import Mark, Span
from pipeline_dsl.compiler.review.findings import FieldUnknown, GateUnreadable, StageAbsent
from pipeline_dsl.compiler.review.tree import Tree
from pipeline_dsl.lang.gate import Baseline, Gate

_COMPARISON = re.compile(
    r"\s*(?P<metric>[A-Za-z_][\w./-]*)?\s*(?P<operator>>=|<=|≥|≤)\s*(?P<level>.+?)\s*(?:\bof\s+(?P<of>[\w-]+)\s*)?",
    re.ASCII,
).fullmatch
_NUMBER = r"[-+]?(?:\d[\d_]*(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?"
_LEVEL = re.compile(rf"(?P<number>{_NUMBER})|(?P<baseline>baseline)(?:\s*(?P<sign>[-+])\s*(?P<delta>{_NUMBER}))?", re.ASCII).fullmatch
_LONGEST = 400
"""Letters of a gate: a longer one is none, and takes an expression long to refuse."""
_OPERATORS: dict[str, Literal[">=", "<="]] = {">=": ">=", "≥": ">=", "<=": "<=", "≤": "<="}
_HELP = "write `metric >= number`, `metric <= number` or `metric >= baseline + number`"


class Spot(Mark):
    """One place in a manifest."""

    def __init__(self, span: Span) -> None:
        self._span = span

    def span(self) -> Span:
        return self._span

    def argument(self, name: str) -> Span:
        return self._span


def read(said: Tree | None, of: Mapping[str, str], stages: Mapping[str, Any], found: list[Diagnostic]) -> Iterator[Gate]:
    """The gates of a manifest; `of` has the stages that some are on, by their text, `stages` the declared ones by name."""
    if said is None or said.value is None:
        return
    if not isinstance(said.value, dict | list):
        found.append(GateUnreadable.finding("`gates` is a list of comparisons", said.span, help=_HELP))
        return
    entries = [(name, tree) for name, tree in said.items.items()] or [("", tree) for tree in said.members]
    for name, tree in entries:
        gate = _gate(name, tree, of, stages, found)
        if gate is not None:
            yield gate


def _gate(name: str, tree: Tree, of: Mapping[str, str], stages: Mapping[str, Any], found: list[Diagnostic]) -> Gate | None:
    text, where = _text(name, tree, found)
    text = " ".join(text.split())
    match = _COMPARISON(text) if 0 < len(text) <= _LONGEST else None
    level = _LEVEL(match["level"]) if match else None
    metric = (match["metric"] or name) if match else ""
    if match is None or level is None or not metric or (name and match["metric"] not in (None, name)):
        found.append(GateUnreadable.finding(f"{_shown(name, tree)} is no comparison with a number", tree.span, help=_HELP))
        return None
    stage = where or match["of"] or of.get(text)
    if stage is not None and stage not in stages:
        found.append(
            StageAbsent.finding(
                f"the gate on `{metric}` is of `{stage}`, which the manifest does not have",
                tree.span,
                help="name the stage that measures it",
            )
        )
        stage = None
    return Gate(metric, _OPERATORS[match["operator"]], _threshold(level), stages.get(stage) if stage else None, Spot(tree.span))


def _threshold(level: "re.Match[str]") -> float | Baseline:
    if level["number"]:
        return float(level["number"].replace("_", ""))
    delta = float((level["delta"] or "0").replace("_", ""))
    return Baseline(-delta if level["sign"] == "-" else delta)


def _text(name: str, tree: Tree, found: list[Diagnostic]) -> tuple[str, str | None]:
    """A gate as one text, and the stage that it is of."""
    if not isinstance(tree.value, dict):
        return (tree.value, None) if isinstance(tree.value, str) else ("", None)
    given = {key: item.text for key, item in tree.items.items()}
    for key, item in tree.items.items():
        if key not in ("metric", "operator", "threshold", "of", "stage"):
            found.append(FieldUnknown.finding(f"a gate has no {key!r}", item.key, help="it has metric, operator, threshold and of"))
    text = f"{given.get('metric') or name} {given.get('operator') or ''} {given.get('threshold') or ''}"
    return text, given.get("of") or given.get("stage")


def _shown(name: str, tree: Tree) -> str:
    said = tree.text if tree.text is not None else str(tree.plain)
    return f"`{name}: {said:.80}`" if name else f"`{said:.80}`"
