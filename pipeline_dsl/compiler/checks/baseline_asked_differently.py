from collections.abc import Iterator
from typing import Any, cast

import attrs

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Bound, Facts
from pipeline_dsl.compiler.graph import AnyStage, declared_order
from pipeline_dsl.compiler.passes.contracts import said, task_name
from pipeline_dsl.lang.gate import Baseline
from pipeline_dsl.lang.stage import is_stage

ASKED = frozenset(
    {
        *("shots", "num_fewshot", "num_shots", "fewshot", "shots_seed", "fewshot_seed", "multiturn", "fewshot_as_multiturn"),
        *("chat", "apply_chat_template", "chat_template", "system", "system_prompt", "system_instruction", "prompt", "template"),
        *("limit", "samples", "documents", "split", "subset", "revision", "judge"),
        *("temperature", "top_p", "max_new_tokens", "max_tokens", "thinking"),
    }
)
"""Fields that say what is asked and how. Any other field of a stage type may be anything."""


class BaselineAskedDifferently(FactCheck):
    """A gate compares a metric with a baseline that was asked in another way: other shots, another template, another suite.

    Five solved examples instead of none move MMLU by several points, a chat template by as many: the gate then measures the prompt.
    Source: the Open LLM Leaderboard's own account of three MMLU numbers for one model (Fourrier et al., 2023); Biderman et al.
    (2024), arXiv:2405.14782, section 3.
    """

    code = "PDSL235"
    bad = (
        "base = Pretrain(data=Tokenize(corpus=Crawl()))\nbefore = Evaluate(model=base, shots=5)\n"
        "after = Evaluate(model=Sft(base=base), shots=0)\n"
        "pipeline = Pipeline(name='p', targets=[after], gates=[metric('mmlu') >= baseline], baseline=before)"
    )
    good = (
        "base = Pretrain(data=Tokenize(corpus=Crawl()))\nbefore = Evaluate(model=base, shots=5)\n"
        "after = Evaluate(model=Sft(base=base), shots=5)\n"
        "pipeline = Pipeline(name='p', targets=[after], gates=[metric('mmlu') >= baseline], baseline=before)"
    )

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        before = facts.graph.pipeline.baseline
        if not is_stage(before):
            return
        told: set[tuple[str, str]] = set()
        for bound in facts.gates:
            if not isinstance(bound.gate.threshold, Baseline) or len(bound.stages) != 1:
                continue
            after = bound.stages[0]
            if after is before or facts.graph.type(after).path != facts.graph.type(before).path:
                continue
            for field, text in _differences(facts, before, after, bound):
                if (field, text) not in told:
                    told.add((field, text))
                    yield self._finding(facts, before, after, field, text)

    def _finding(self, facts: Facts, before: AnyStage, after: AnyStage, field: str, text: str) -> Diagnostic:
        graph = facts.graph
        last = max(before, after, key=declared_order)
        return self.finding(
            f"`{graph.names[after]}` and its baseline `{graph.names[before]}` are asked differently: {text}",
            at=graph.argument(last, field),
            related=[("compared with", graph.argument(before if last is after else after, field))],
            help="ask both the same, so that the gate compares models",
        )


def _differences(facts: Facts, before: AnyStage, after: AnyStage, bound: Bound) -> Iterator[tuple[str, str]]:
    """The fields that ask differently, each with what it says there and here."""
    described = facts.graph.type(after)
    for field in described.identity:
        ours, theirs = after.__dict__.get(field.name), before.__dict__.get(field.name)
        if field.name in ASKED and ours != theirs:
            yield field.name, f"`{field.name}` is {ours!r} here and {theirs!r} there"
    for field in described.inputs:
        ours, theirs = after.__dict__.get(field.name), before.__dict__.get(field.name)
        if field.held_out and is_stage(ours) and is_stage(theirs) and not facts.same(ours, theirs):
            yield field.name, f"`{field.name}` is `{facts.graph.names[ours]}` here and `{facts.graph.names[theirs]}` there"
    ours, theirs = (_task(stage, bound.gate.metric) for stage in (after, before))
    if ours is not None and theirs is not None:
        here, there = _values(ours), _values(theirs)
        for name in here:
            if name in there and here[name] != there[name]:
                yield "tasks", f"`{name}` of `{task_name(ours)}` is {here[name]!r} here and {there[name]!r} there"


def _values(task: Any) -> dict[str, Any]:
    return {field.name: getattr(task, field.name) for field in attrs.fields(cast("type[Any]", type(task)))}


def _task(stage: AnyStage, metric: str) -> Any:
    """The task that gives a metric; None if there is none, or several."""
    tasks = cast("tuple[Any, ...]", said(stage, "tasks", tuple) or ())
    found = [task for task in tasks if _described(task) and (getattr(task, "metric", None) or task_name(task)) == metric]
    return found[0] if len(found) == 1 else None


def _described(task: object) -> bool:
    return not isinstance(task, str) and attrs.has(type(task))
