from collections.abc import Iterator
from functools import cache

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.graph import AnyStage
from pipeline_dsl.compiler.passes.contracts import made_by, said, shapes
from pipeline_dsl.compiler.served import served
from pipeline_dsl.lang.architecture import Llama
from pipeline_dsl.lang.artifacts import Dataset
from pipeline_dsl.lang.stage import stage_type

LENGTHS = ("max_length", "max_seq_length", "sequence_length", "max_model_len", "max_new_tokens", "prompt_limit", "output_limit", "length")
"""Fields that count the tokens of something that goes through the model at once."""

SUMS = (("prompt_limit", "output_limit"), ("max_prompt_length", "max_new_tokens"))
"""Fields that count what goes through it one behind the other."""


class ContextExceeded(FactCheck):
    """More tokens go through a model at once than its context holds: rows of training, a prompt with its answer, calibration rows.

    Rotary positions beyond those that it was trained on give numbers and no error: perplexity explodes after the context's end
    (Chen et al., 2023, arXiv:2306.15595, figure 2). Servers refuse such a length when they start, or cut prompts. A context grows
    only where a stage says so, as `Sft(rope_scaling=...)` does. Lengths that are left to their defaults are capped at run time,
    and not reported.
    """

    code = "PDSL223"
    bad = "base = Pretrain(data=Tokenize(corpus=Crawl(), length=2048))\nsft = Sft(base=base, max_length=8192)"
    good = "base = Pretrain(data=Tokenize(corpus=Crawl(), length=2048))\nsft = Sft(base=base, max_length=4096)"

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        yield from self._served(facts)
        for stage in facts.descent:
            yield from self._rows(facts, stage)
            given = _given(stage)
            model = (facts.sizes[stage].model or _started(facts, stage)) if given else None
            grows = facts.sizes[stage].model is None and stage.__dict__.get("rope_scaling") is not None
            if model is not None and model.context > 0 and not grows:
                yield from self._lengths(facts, stage, model, given)

    def _served(self, facts: Facts) -> Iterator[Diagnostic]:
        """The longest request of the engine that serves what ships."""
        for engine, shipped in served(facts):
            model = facts.sizes[shipped].model
            if model is not None and engine.max_length is not None and 0 < model.context < engine.max_length:
                yield self.finding(
                    f"`max_length` of the engine is {engine.max_length:,} tokens, the context of `{facts.graph.names[shipped]}` "
                    f"{model.context:,}",
                    at=facts.graph.pipeline_argument("launchers"),
                    related=[("what it serves", facts.graph.span(shipped))],
                    help=f"write `TensorRtLlm(max_length={model.context})` or less, or leave it out",
                )

    def _rows(self, facts: Facts, stage: AnyStage) -> Iterator[Diagnostic]:
        """Rows of token ids that are longer than the model, at the model where the stage declares one."""
        graph = facts.graph
        rows = [edge for edge in graph.inputs.get(stage, ()) if issubclass(made_by(graph, edge), Dataset)]
        if not rows:
            return
        grown = facts.sizes[stage].model or _started(facts, stage)
        models = shapes(facts, stage) or ([("", grown)] if grown is not None else [])
        told: set[str] = set()
        for edge in rows:
            length = said(edge.producer, "length", int)
            for field, model in models:
                at = field or edge.field.name
                if length is None or not 0 < model.context < length or at in told:
                    continue
                told.add(at)
                yield self.finding(
                    f"rows of `{edge.field.name}` have {length:,} tokens, the model's context {model.context:,}",
                    at=graph.argument(stage, at),
                    related=[("the rows", graph.span(edge.producer))],
                    help=f"declare context={length}, or pack rows of length={model.context}",
                )

    def _lengths(self, facts: Facts, stage: AnyStage, model: Llama, given: dict[str, int]) -> Iterator[Diagnostic]:
        graph = facts.graph
        over = [name for name in LENGTHS if given.get(name, 0) > model.context]
        for name in over:
            yield self.finding(
                f"`{name}` is {given[name]:,} tokens, the model's context {model.context:,}",
                at=graph.argument(stage, name),
                help=f"write {name}={model.context} or less, or let a stage before grow the context",
            )
        for first, second in SUMS if not over else ():
            total = given.get(first, 0) + given.get(second, 0)
            if first in given and second in given and total > model.context:
                yield self.finding(
                    f"`{first}` and `{second}` are {total:,} tokens together, the model's context {model.context:,}",
                    at=graph.argument(stage, first),
                    help=f"write {first}={model.context - given[second]}" if given[second] < model.context else "",
                )


def _started(facts: Facts, stage: AnyStage) -> Llama | None:
    start = facts.descent[stage].start
    return facts.sizes[start].model if start is not None else None


def _given(stage: AnyStage) -> dict[str, int]:
    """The lengths that a declaration gives, those left to their defaults left out."""
    found: dict[str, int] = {}
    for name, default in _defaults(type(stage)):
        value = stage.__dict__.get(name)
        if type(value) is int and value != default:
            found[name] = value
    return found


@cache
def _defaults(cls: type[AnyStage]) -> tuple[tuple[str, object], ...]:
    """The fields of a stage type that count tokens, with their defaults."""
    names = {*LENGTHS, *(name for pair in SUMS for name in pair)}
    return tuple((field.name, field.default) for field in stage_type(cls).fields if field.name in names)
