from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import ShapeCheck
from pipeline_dsl.compiler.graph import AnyStage, Graph
from pipeline_dsl.lang.artifact import Artifact
from pipeline_dsl.lang.artifacts import ContaminationReport, EvalReport
from pipeline_dsl.lang.stage import is_stage


class ArtifactTypeMismatch(ShapeCheck):
    """An input is given an artifact of a type that its stage cannot read.

    Left alone, the stage would fail on the cluster, after its inputs were paid for, or train on the wrong thing.
    """

    code = "PDSL201"
    bad = "base = Pretrain(data=Tokenize(corpus=Crawl()))\nsft = Sft(base=Dpo(policy=Sft(base=base)))"
    good = "base = Pretrain(data=Tokenize(corpus=Crawl()))\nsft = Sft(base=base)"

    def run(self, graph: Graph) -> Iterator[Diagnostic]:
        for edge in graph.edges:
            given = graph.type(edge.producer).produces
            if issubclass(given, edge.field.wanted):
                continue
            reader = type(edge.consumer).__name__
            wanted = " or ".join(kind.__name__ for kind in edge.field.wanted)
            yield self.finding(
                f"`{reader}.{edge.field.name}` reads {wanted}, not {given.__name__}",
                at=graph.argument(edge.consumer, edge.field.name),
                label=f"this is {given.__name__}",
                related=[("made here", graph.span(edge.producer))],
                help=_advice(given, edge.field.wanted, edge.field.name, graph, edge.consumer),
            )
        baseline = graph.pipeline.baseline
        if is_stage(baseline) and baseline in graph.names and not issubclass(made := graph.type(baseline).produces, EvalReport):
            yield self.finding(
                f"`Pipeline.baseline` reads EvalReport, not {made.__name__}",
                at=graph.pipeline_argument("baseline"),
                label=f"this is {made.__name__}",
                related=[("made here", graph.span(baseline))],
                help=_advice(made, (EvalReport,), "baseline", graph),
            )
        ships = graph.pipeline.ships
        if is_stage(ships) and ships in graph.names and issubclass(made := graph.type(ships).produces, EvalReport | ContaminationReport):
            yield self.finding(
                f"`Pipeline.ships` is what is released, and {made.__name__} is what was found out about it",
                at=graph.pipeline_argument("ships"),
                label=f"this is {made.__name__}",
                related=[("made here", graph.span(ships))],
                help="give the model, the adapter or the server that is released",
            )


def _advice(given: type[Artifact], wanted: tuple[type[Artifact], ...], field: str, graph: Graph, reader: AnyStage | None = None) -> str:
    for kind in wanted:
        stage = given.becomes.get(kind.__name__)
        if stage:
            return f"turn the {given.__name__} into {kind.__name__} first, with `{stage}`"
    fitting = [graph.names[stage] for stage in graph.order if stage is not reader and issubclass(graph.type(stage).produces, wanted)]
    if fitting:
        return f"`{field}` could be " + " or ".join(f"`{name}`" for name in fitting[:3])
    return f"no stage of this pipeline makes {' or '.join(kind.__name__ for kind in wanted)}"
