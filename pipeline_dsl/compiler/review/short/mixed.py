"""Data that is measured on, and learnt from as well."""

import re
from collections.abc import Iterator, Mapping

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.checks.evaluation_leak import EvaluationLeak
from pipeline_dsl.compiler.review.findings import SameBytes
from pipeline_dsl.compiler.review.short.brief import Brief
from pipeline_dsl.compiler.review.short.hashes import is_open
from pipeline_dsl.compiler.review.short.kinds import known, words_of
from pipeline_dsl.compiler.review.tree import Tree

_DATA = ("data", "datasets", "train_data", "data_mix", "data_hash", "preference_data_hash", "calibration", "calibration_data")
"""What a stage calls the data that it reads."""

_LEARN = ("tokenizer", "pretrain", "sft", "reward", "align")
_KEPT = {"eval", "evals", "evaluation", "test", "heldout", "holdout", "benchmark", "benchmarks"}
"""What a name says that is kept for measuring."""


_WITHOUT_TRAINING_PART = {
    *(
        "mmlu",
        "humaneval",
        "truthfulqa",
        "gpqa",
        "bbh",
        "ifeval",
        "livebench",
        "simpleqa",
        "harmbench",
        "mtbench",
        "alpacaeval",
        "swebench",
    ),
    *("mmlu_pro", "humaneval_plus", "mt_bench", "alpaca_eval", "swe_bench", "swe_bench_verified", "arena_hard", "livecodebench"),
}
"""Benchmarks that are nothing but for measuring."""

_SPARED = {"train", "training", "auxiliary", "no", "non", "minus", "without", "excluding", "decontaminated", "removed", "clean", "filtered"}
"""What a name says that is the training part of a benchmark, or was freed from it."""

_NAMED = ("name", "dataset", "path", "id", "source", "uri", "url", "repo", "hash", "digest")
"""Where one data set of a mixture says which it is."""


def is_kept(data: str, gates: Mapping[str, Tree]) -> bool:
    """Whether a data set is for measuring by its name: a benchmark, or a part that is called so."""
    words = words_of(data)
    if words & _SPARED:
        return False
    joined = "_" + re.sub(r"[^a-z0-9]+", "_", data) + "_"
    benchmarks = _WITHOUT_TRAINING_PART | {gate.lower() for gate in gates if gate.lower() not in ("math", "code", "safety", "drop", "kl")}
    return bool(words & _KEPT) or data in gates or any(f"_{name}_" in joined for name in benchmarks)


def _parts(stage: Tree) -> list[Tree]:
    """A stage, and its settings, where it may name its data as well."""
    return [stage, *(stage.items[key] for key in ("config",) if key in stage.items)]


def mixed(brief: Brief) -> Iterator[Diagnostic]:
    """Data that is measured on, by its name or its hash, and learnt from."""
    held: dict[str, Tree] = {}
    top = brief.tree.items
    parts = top["data"].items if "data" in top else dict[str, Tree]()
    kept = [tree for key, tree in parts.items() if known(key) == "evaluate" or words_of(key) & _KEPT]
    for tree in (top.get("eval_data"), top.get("eval_data_hash"), *kept):
        held |= {} if tree is None else dict.fromkeys(_data(tree), tree)
    for name, stage in brief.stages.items():
        keys = ("eval_data", "eval_data_hash", "suite", "benchmarks") + (_DATA if brief.kinds.get(name) == "evaluate" else ())
        held |= {data: stage.items[key] for key in keys if key in stage.items for data in _data(stage.items[key])}
    learning = [tree for key, tree in parts.items() if tree not in kept and (key in ("train", "training") or known(key) in _LEARN)]
    learnt = [("the run", tree) for tree in (top.get("train_data"), *learning) if tree]
    for name, stage in brief.stages.items():
        kind = brief.kinds.get(name)
        if kind in (*_LEARN, "data", "quantize") and not brief.held(name):
            keys = ("calibration", "calibration_data", "data") if kind == "quantize" else _DATA
            learnt += [(f"`{name}`", part.items[key]) for part in _parts(stage) for key in keys if key in part.items]
    for who, tree in learnt:
        for data in sorted(_data(tree)):
            digest = data.startswith("sha256:")
            measured = held.get(data)
            if measured is None and (digest or not is_kept(data, brief.gates)):
                continue
            related = [("measured on here", measured.key)] if measured is not None else []
            help = "train on the training part; give evaluation data only to stages that measure"
            text = f"{who} learns from evaluation data: {data:.60}"
            if digest:
                yield SameBytes.finding(text, tree.key, related=related, help=help)
            else:
                yield EvaluationLeak().finding(text, at=tree.key, related=related, help=help)


def _data(tree: Tree) -> set[str]:
    """The data sets that a value names: itself, its members, or the keys of a mixture."""
    if tree.items and (named := [tree.items[key] for key in _NAMED if key in tree.items]):
        return {name for item in named for name in _data(item)}
    if tree.items:
        return {name.strip().lower() for name in tree.items} | {name for item in tree.items.values() for name in _data(item) if ":" in name}
    if tree.members:
        return {name for item in tree.members for name in _data(item)}
    return {tree.text.strip().lower()} if isinstance(tree.value, str) and tree.text and not is_open(tree.text) else set()
