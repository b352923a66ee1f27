from collections.abc import Iterator
from pathlib import PurePath
from typing import cast

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import ShapeCheck
from pipeline_dsl.compiler.graph import Graph
from pipeline_dsl.lang.pipeline import Release
from pipeline_dsl.lang.stage import Stage, is_stage


class NoTargets(ShapeCheck):
    """A pipeline names nothing to make, or something that is no stage."""

    code = "PDSL305"
    bad = "pipeline = Pipeline(name='empty', targets=[])"
    good = "pipeline = Pipeline(name='one', targets=[Crawl()])"

    def run(self, graph: Graph) -> Iterator[Diagnostic]:
        targets = graph.pipeline.targets
        if not targets:
            yield self.finding(
                "the pipeline has no targets",
                at=graph.pipeline_argument("targets"),
                help="write `targets=[...]` with the stages that it is for",
            )
        else:
            for target in targets:
                if not is_stage(target):
                    what, advice = _told(target)
                    yield self.finding(f"{what} is no target", at=graph.pipeline_argument("targets"), help=advice)
        for name, kinds in (("ships", (Stage,)), ("baseline", (Stage, Release))):
            value = getattr(graph.pipeline, name)
            if value is not None and not isinstance(value, kinds):
                path = name == "baseline" and isinstance(value, str | PurePath)
                yield self.finding(
                    f"`{name}` is given a {type(value).__name__}, not a stage",
                    at=graph.pipeline_argument(name),
                    help=f'write `baseline=Release(manifest="{value}")`' if path else "give the stage itself",
                )


def _told(target: object) -> tuple[str, str]:
    """What is given for a target, and what to write instead."""
    if isinstance(target, type):
        called = f"call it: `{target.__name__}(...)`" if issubclass(target, Stage) else "a target is a stage"
        return f"the class {target.__name__}", called
    if target is None:
        return "None", "a target is a stage; `append` and functions without `return` give None"
    if isinstance(target, list | tuple | dict):
        return (
            f"a {type(cast(object, target)).__name__}",
            "give its stages one by one: `targets=[*stages]`, or `[*stages.values()]` of a dictionary",
        )
    return f"a {type(target).__name__}", "a target is a stage"
