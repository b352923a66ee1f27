"""The pipeline that a manifest stands for, of stages that are declared: its gates, budget, baseline and what ships."""

from collections.abc import Mapping
from typing import Any

from pipeline_dsl.compiler.graph import AnyStage
from pipeline_dsl.compiler.review import gates
from pipeline_dsl.compiler.review.report import Report
from pipeline_dsl.compiler.review.stage import Place
from pipeline_dsl.compiler.review.tree import Tree
from pipeline_dsl.lang.budget import Budget
from pipeline_dsl.lang.hardware import Hardware
from pipeline_dsl.lang.pipeline import Pipeline, Release
from pipeline_dsl.lang.stage import stage_type
from pipeline_dsl.plan.plan import leaves

_WRITTEN = {"name": "pipeline", "version": "pipeline_version", "targets": "stages"} | {
    name: name for name in ("seed", "ships", "gates", "baseline", "budget", "on", "use")
}

_TAKES = {"seed": "a whole number, such as `seed: 42`", "use": "`use: commercial` or `use: research`, or leave it out"}


def pipeline_of(root: Tree, stages: Mapping[str, AnyStage], default: Hardware, report: Report) -> Pipeline:
    """The pipeline of a manifest's stages."""
    top = root.items
    budget = _budget(top.get("budget"), report)
    read = {item for stage in stages.values() for field in stage_type(type(stage)).inputs for item in leaves(getattr(stage, field.name))}
    of = {" ".join(text.split()): tree.text or "" for text, tree in (top["gate_stages"].items if "gate_stages" in top else {}).items()}
    entries = tuple(gates.read(top.get("gates"), of, stages, report.found))
    use, seed = top.get("use"), top.get("seed")
    name, version = top.get("pipeline"), top.get("pipeline_version")
    if name is None or name.value is None or name.text is None:
        report.unusable("a manifest names its `pipeline`", name or root, "write `pipeline: NAME`")
    for field, kind in (("seed", int), ("use", str | None)):
        if (given := top.get(field)) is not None and not isinstance(given.value, kind):
            report.unusable(f"`{field}` is {given.text!r:.40}", given, f"write {_TAKES[field]}")
    pipeline = Pipeline(
        name=(name.text if name else None) or "",
        version=(version.text if version else None) or "0.1.0",
        seed=seed.value if seed is not None and seed.value is not None else 0,
        targets=tuple(stage for stage in stages.values() if stage not in read),
        ships=_named(root, stages, "ships", top.get("ships"), report),
        gates=entries,
        baseline=_baseline(root, stages, top.get("baseline"), report),
        budget=budget,
        on=default,
        use=use.value if use is not None else None,
    )
    parts = {field: top[given].span for field, given in _WRITTEN.items() if given in top}
    whole = (name or root).key
    object.__setattr__(pipeline, "mark", Place(whole, parts))
    return pipeline


def _budget(said: Tree | None, report: Report) -> Budget:
    if said is None or said.value is None:
        return Budget()
    if not isinstance(said.value, dict):
        report.unusable("`budget` is a mapping", said, "write `budget: {usd: 50000, kl: 25}`")
        return Budget()
    report.unknown(said, ("usd", "kl"), "a budget")
    return Budget(**{name: tree.value for name, tree in said.items.items() if name in ("usd", "kl")})


def _named(root: Tree, stages: Mapping[str, AnyStage], what: str, said: Tree | None, report: Report) -> AnyStage | None:
    if said is None or said.value is None:
        return None
    stage = stages.get(said.text or "")
    if stage is None and (said.text or "") not in root.items["stages"].items:
        text = f"`{what}` is `{said.text or said.plain!s:.80}`, which the manifest does not have"
        report.absent(text, said.span, "name one of its stages")
    return stage


def _baseline(root: Tree, stages: Mapping[str, AnyStage], said: Tree | None, report: Report) -> Any:
    if said is None or said.value is None:
        return None
    if isinstance(said.value, str):
        return stages.get(said.value) or Release(manifest=said.value)
    if not isinstance(said.value, dict):
        report.unusable("`baseline` is the name of a stage, or a mapping", said, "write `baseline: {manifest: FILE}`")
        return None
    report.unknown(said, ("stage", "manifest"), "a baseline")
    stage, manifest = said.items.get("stage"), said.items.get("manifest")
    if stage is not None and stage.value is not None:
        return _named(root, stages, "baseline", stage, report)
    if manifest is None or manifest.value is None:
        return None
    if not isinstance(manifest.value, str):
        report.unusable("`manifest` of the baseline is no path", manifest, "write `baseline: {manifest: FILE}`")
        return None
    return Release(manifest=manifest.value)
