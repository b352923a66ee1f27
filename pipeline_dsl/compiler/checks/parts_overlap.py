from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.graph import AnyStage
from pipeline_dsl.compiler.passes.lineage import divisions, learns
from pipeline_dsl.lang.artifacts import Tokenizer
from pipeline_dsl.lang.label import Division


class PartsOverlap(FactCheck):
    """Two parts of one corpus are divided by different rules, so a document can be in both.

    Parts are disjoint only if the shares, and whatever draws them, are the same in all of them: a stage that is left to its
    defaults while the other is given shares divides otherwise.

    Found on day five, some of what the model is measured on is what it was trained on, and nobody knows how much.
    """

    code = "PDSL903"
    bad = (
        "web = Crawl()\ntrain = Part(corpus=web, part='train', salt='a')\ntest = Part(corpus=web, part='test')\n"
        "report = Perplexity(model=Pretrain(data=Tokenize(corpus=train)), text=test)"
    )
    good = (
        "web = Crawl()\ntrain = Part(corpus=web, part='train', salt='a')\ntest = Part(corpus=web, part='test', salt='a')\n"
        "report = Perplexity(model=Pretrain(data=Tokenize(corpus=train)), text=test)"
    )

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        graph = facts.graph
        wholes: dict[AnyStage, list[tuple[AnyStage, Division]]] = {}
        for stage, division in divisions(graph):
            wholes.setdefault(division.whole, []).append((stage, division))
        for whole, parts in wholes.items():
            if len({division.rule for _, division in parts}) < 2:
                continue
            learnt = [(stage, division) for stage, division in parts if division.part == "train" and _taught(facts, stage)]
            rules = {division.rule for _, division in learnt}
            for stage, division in parts:
                if division.part == "train" or not learnt or division.rule in rules:
                    continue
                other, rule = learnt[0]
                yield self.finding(
                    f"`{graph.names[stage]}` and `{graph.names[other]}` divide `{graph.names[whole]}` by different rules, so they overlap",
                    at=graph.span(stage),
                    label=f"part `{division.part}` by {_shown(division)}",
                    related=[(f"part `train` by {_shown(rule)}", graph.span(other))],
                    help="give both the same shares and the same salt",
                )


def _taught(facts: Facts, part: AnyStage) -> bool:
    """Whether a model learns from a part; a tokenizer alone does not make it one that is trained on."""
    graph = facts.graph
    readers: dict[AnyStage, list[AnyStage]] = {}
    for edge in graph.edges:
        if not edge.field.held_out:
            readers.setdefault(edge.producer, []).append(edge.consumer)
    seen, pending = {part}, [part]
    while pending:
        for reader in readers.get(pending.pop(), ()):
            if learns(graph, reader):
                if not issubclass(graph.type(reader).produces, Tokenizer):
                    return True
            elif reader not in seen:
                seen.add(reader)
                pending.append(reader)
    return False


def _shown(division: Division) -> str:
    rule = division.rule
    return " / ".join(str(item) for item in rule) if isinstance(rule, tuple) else str(rule)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
