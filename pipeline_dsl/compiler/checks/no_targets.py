from collections.abc import Iterator

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
                    yield self.finding(
                        f"a {type(target).__name__} is no target", at=graph.pipeline_argument("targets"), help="a target is a stage"
                    )
        for name, kinds in (("ships", (Stage,)), ("baseline", (Stage, Release))):
            value = getattr(graph.pipeline, name)
            if value is not None and not isinstance(value, kinds):
                yield self.finding(f"`{name}` is given a {type(value).__name__}, not a stage", at=graph.pipeline_argument(name))
