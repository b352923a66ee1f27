"""A plan comes back from its proposal as it was: every stage with the definition that it had."""

import pytest
from hypothesis import given, settings, strategies

from pipeline_dsl import Experts, Llama, Pipeline
from pipeline_dsl.compiler.checks.release_broken import ReleaseBroken
from pipeline_dsl.compiler.checks.stage_undescribed import StageUndescribed
from pipeline_dsl.compiler.compile import compile_loaded, planned
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.load import Loaded, load
from pipeline_dsl.compiler.review.installed import installed
from pipeline_dsl.compiler.review.review import subject_of
from pipeline_dsl.plan.plan import Plan
from pipeline_dsl.stages import Deduplicate, Ingest, LocalFiles, Pretrain, Split, Tokenize, TrainTokenizer
from pipeline_dsl.store.proposal import proposal
from pipeline_dsl.store.strict_yaml import dumped
from tests.command import ROOT


def definitions(plan: Plan) -> dict[str, str]:
    return {stage.name: stage.definition for stage in plan.stages}


def derived(loaded: Loaded) -> Facts:
    compiled = compile_loaded(loaded, without=(ReleaseBroken, StageUndescribed), allowing=False)
    assert compiled.facts is not None, compiled.diagnostics
    return compiled.facts


def proposed(plan: Plan) -> dict[str, str]:
    """The definitions of a plan's stages, by its proposal alone."""
    loaded = subject_of(dumped(proposal(plan, None)).encode(), "proposal.yaml", installed()).declared.loaded
    assert loaded is not None
    return definitions(planned(derived(loaded)))


PIPELINES = {file.stem: loaded for file in sorted((ROOT / "pipelines").glob("*.py")) if isinstance(loaded := load(str(file)), Loaded)}


def test_the_pipelines_are_there_to_be_proposed() -> None:
    assert {"tiny", "llama_7b", "llama3_8b", "posttrain_70b", "qlora_7b"} <= PIPELINES.keys()


@pytest.mark.parametrize("name", PIPELINES)
def test_a_proposal_keeps_every_definition_of_its_plan(name: str) -> None:
    plan = planned(derived(PIPELINES[name]))

    assert proposed(plan) == definitions(plan)


def numbers(low: float, high: float) -> strategies.SearchStrategy[float]:
    """Numbers as people write them, with and without a point."""
    return strategies.integers(round(low + 0.5), round(high - 0.5)) | strategies.floats(low, high)


@given(repeats=strategies.lists(numbers(0.1, 9.9), min_size=1, max_size=3), rate=numbers(0.1, 2.9), balance=numbers(0, 3))
@settings(max_examples=25, deadline=None)
def test_a_number_is_read_back_with_or_without_its_point(repeats: list[float], rate: float, balance: float) -> None:
    prose = Deduplicate(corpora=(Ingest(sources=(LocalFiles(path="text", digest=f"sha256:{0:064}", licence="CC0-1.0"),)),))
    tokenizer = TrainTokenizer(corpora=(prose,), vocabulary=512)
    parts = tuple(Split(corpus=prose, part="train", salt=str(index)) for index in range(len(repeats)))
    data = Tokenize(tokenizer=tokenizer, corpora=parts, repeats=tuple(repeats), length=32)
    held_out = Tokenize(tokenizer=tokenizer, corpora=(Split(corpus=prose, part="validation"),), length=32)
    experts = Experts(count=4, active=2, ffn=32, balance=balance)
    shape = Llama(hidden=32, layers=2, heads=2, kv_heads=2, ffn=32, vocabulary=512, context=32, experts=experts)
    model = Pretrain(model=shape, data=data, validation=held_out, tokenizer=tokenizer, tokens=1000, batch=2, learning_rate=rate)
    plan = planned(derived(Loaded(Pipeline(name="numbers", targets=[model]), (), "", "")))

    assert proposed(plan) == definitions(plan)
