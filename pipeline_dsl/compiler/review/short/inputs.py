"""What the stages of a manifest in the short spelling read."""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from pipeline_dsl.base.diagnostic import Diagnostic, Severity
from pipeline_dsl.compiler.review.findings import FieldUnknown, StageAbsent
from pipeline_dsl.compiler.review.short.brief import Brief
from pipeline_dsl.compiler.review.short.hashes import combined, hash_of, hashes_of
from pipeline_dsl.compiler.review.tree import Tree


def inputs_of(brief: Brief, name: str, stage: Tree, found: list[Diagnostic]) -> list[str]:
    """The stages that a stage reads: those that it names, those whose result it read, or else by their kinds and the order."""
    for key in ("inputs", "depends_on", "needs", "after"):
        said = stage.items.get(key)
        if said is None:
            continue
        named = [said] if not isinstance(said.value, dict | list) and said.value is not None else [*said.members, *said.items.values()]
        for item in named:
            if item.text not in brief.stages:
                near = difflib.get_close_matches(str(item.text), brief.stages, n=1)
                help = f"did you mean `{near[0]}`?" if near else "name one of its stages"
                text = f"`{name}` reads {item.text or item.plain!s:.80}, which the manifest does not have"
                found.append(StageAbsent.finding(text, item.span, help=help))
        read = [item.text for item in named if item.text in brief.stages]
        if read and len(read) == len(named):
            found += _without_a_model(brief, name, read, said)
        return read
    read = hashes_of(stage.items.get("input_hash"))
    if read:
        before = brief.before(name)
        made = {digest: other for other in before if (digest := hash_of(brief.stages[other].items.get("output_hash")))}
        known = [made[digest] for digest in read if digest in made]
        if len(known) == len(read):
            return known
        if len(read) == 1 and (joint := combined(read[0], made)):
            return joint
    return _usual(brief, name)


def _without_a_model(brief: Brief, name: str, read: list[str], said: Tree) -> Iterator[Diagnostic]:
    """A stage that trains a model further, names all that it reads, and names no model, where there is one before it."""
    starts = {"sft": ("pretrain", "sft"), "align": ("pretrain", "sft", "align")}.get(brief.kinds.get(name, ""), ())
    near = [other for other in brief.before(name) if brief.kinds.get(other) in starts]
    if near and not any(brief.kinds.get(other) not in ("data", "tokenizer") for other in read):
        text = f"`{name}` names what it reads, and no model is among it"
        finding = FieldUnknown.finding(text, said.key, help=f"name the model that it starts from, such as `{near[-1]}`")
        yield attrs.evolve(finding, severity=Severity.WARNING)


def _usual(brief: Brief, name: str) -> list[str]:
    """What a stage of its kind reads: the latest of each kind that it can, a reward model beside its policy's start."""
    kind = brief.kinds.get(name)
    order: Mapping[str, tuple[tuple[str, ...], ...]] = {
        "tokenizer": (("data",),),
        "data": (("tokenizer",), ("data",)),
        "pretrain": (("pretrain", "data"),),
        "sft": (("pretrain",),),
        "reward": (("sft",),),
        "align": (("align", "sft"), ("reward",)),
        "evaluate": (("align", "sft", "pretrain"),),
        "quantize": (("align", "sft", "pretrain"),),
        "serve": (("quantize", "align", "sft", "pretrain"),),
    }
    found: list[str] = []
    for kinds in order.get(kind or "", ()):
        near = [other for other in brief.before(name) if brief.kinds.get(other) in kinds and not brief.held(other)]
        found += near[-1:]
    return found


def by_purpose(brief: Brief, name: str, inputs: list[str]) -> dict[str, Any]:
    """The inputs of a stage by what they are for: the model that is measured, and the first reference of a policy."""
    kind = brief.kinds[name]
    if kind == "evaluate":
        model = next((name for name in inputs if brief.kinds.get(name) != "data"), None)
        return {"model": model, "inputs": [name for name in inputs if name != model]}
    start = next((name for name in inputs if brief.kinds.get(name) in ("align", "sft", "pretrain")), None)
    if start is None and "inputs" in brief.stages[name].items:  # hashes and orders may stand in a line, inputs are what it reads
        start = next((name for name in inputs if brief.kinds.get(name) in ("reward", "quantize", "serve")), None)
    if kind != "align" or start is None:
        return {"inputs": inputs}
    first = start
    for name in reversed(brief.before(start)):
        if brief.kinds.get(first) == "align" and brief.kinds.get(name) in ("align", "sft"):
            first = name
    return {"policy": start, "inputs": [name for name in inputs if name != start], "reference": first}
