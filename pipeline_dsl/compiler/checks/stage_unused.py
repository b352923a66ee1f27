import sys
from collections.abc import Iterator
from pathlib import Path

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import ShapeCheck
from pipeline_dsl.compiler.graph import AnyStage, Graph
from pipeline_dsl.lang.stage import Stage, is_stage, stage_type
from pipeline_dsl.plan.plan import leaves


class StageUnused(ShapeCheck):
    """A stage is declared that no target needs, so it would never run.

    Usually a target was forgotten, or an input still names an older stage. Only names are looked at, and what lies in a list,
    a tuple or a dictionary under a name; one that begins with `_` may hold what it likes. What is imported from a
    module that declares it may serve other pipelines, and is not looked at.
    """

    code = "PDSL304"
    bad = "web = Crawl()\nforgotten = Crawl()\npipeline = Pipeline(name='p', targets=[web])"
    good = "web = Crawl()\npipeline = Pipeline(name='p', targets=[web])"

    def run(self, graph: Graph) -> Iterator[Diagnostic]:
        targets = graph.pipeline.targets
        if graph.undescribed or graph.misplaced or not targets or not all(map(is_stage, targets)):
            return  # what is amiss there may be what would need it
        needed = {item for _, stage in graph.unused for item in _inputs(stage)}
        imported = _imported(graph)
        for name, stage in graph.unused:
            if stage not in needed and id(stage) not in imported:  # what only unused stages need is not the slip
                yield self.finding(
                    f"`{name}` is declared, but no target needs it",
                    at=graph.span(stage),
                    help="add it to `targets`, use it, or remove it",
                )


def _imported(graph: Graph) -> set[int]:
    """Ids of the stages that another module holds under names of its own: they were imported from it, and other pipelines use them."""
    own = Path(graph.file).resolve()  # which may be named from here, and is imported by its whole path
    files = {file for file in {graph.span(stage).file for _, stage in graph.unused} if Path(file).resolve() != own}
    modules = [module for module in list(sys.modules.values()) if getattr(module, "__file__", None) in files] if files else []
    values = [value for module in modules for value in list(vars(module).values()) if _plain(value)]
    return {id(item) for value in values for item in leaves(value) if is_stage(item)}


def _plain(value: object) -> bool:
    return isinstance(value, Stage | list | tuple | dict)


def _inputs(stage: AnyStage) -> Iterator[object]:
    try:
        inputs = stage_type(type(stage)).inputs
    except (TypeError, NameError):  # its class says too little, and is not used
        return
    for field in inputs:
        yield from leaves(getattr(stage, field.name))
