"""From a manifest's tree to the declarations that it stands for: stages of installed types, gates, a pipeline, each with its place."""

from collections.abc import Mapping

import attrs

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.graph import AnyStage
from pipeline_dsl.compiler.load import Loaded
from pipeline_dsl.compiler.review import installed
from pipeline_dsl.compiler.review.hardware import hardware
from pipeline_dsl.compiler.review.inputs import connect
from pipeline_dsl.compiler.review.pipeline import pipeline_of
from pipeline_dsl.compiler.review.report import Report
from pipeline_dsl.compiler.review.stage import StageReader
from pipeline_dsl.compiler.review.tree import Tree
from pipeline_dsl.store.manifest import Manifest

TOP = frozenset({*(field.name for field in attrs.fields(Manifest)), "on", "rollback"})


@attrs.frozen
class Declared:
    """A manifest as declarations. `loaded` is None where too little of it can be read to be compiled."""

    loaded: Loaded | None
    stages: Mapping[str, AnyStage]
    told: frozenset[str]
    """The stages that are judged by what the manifest says of their types."""


def declare(root: Tree, file: str, types: installed.Types, found: list[Diagnostic]) -> Declared:
    """The declarations that a manifest stands for; what cannot be one is added to `found`."""
    report = Report(found)
    report.unknown(root, TOP, "a manifest")
    written = root.items.get("stages")
    if written is None or not written.items:
        report.unusable(
            "a manifest has `stages`, a mapping from names to stages", written or root, "write one with `pdsl plan TARGET --manifest FILE`"
        )
        return Declared(None, {}, frozenset())
    default = hardware(report, root.items.get("on"), None)
    reader = StageReader(types, report)
    read = {name: reader.read(name, tree, default) for name, tree in written.items.items()}
    stages = {name: stage for name, stage in read.items() if stage is not None}
    for name in stages:
        connect(name, written.items[name], written.items, stages, report)
    pipeline = pipeline_of(root, stages, default, report)
    loaded = Loaded(pipeline, (), file, "") if report.sound else None
    return Declared(loaded, stages, frozenset(reader.told))
