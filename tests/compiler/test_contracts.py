"""What stages promise each other: what is derived of a model's descent, and what must not be reported."""

from pathlib import Path

import pytest

from pipeline_dsl.compiler import compile as compiling
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.graph import AnyStage, build
from pipeline_dsl.compiler.load import Loaded, load
from pipeline_dsl.compiler.passes.contracts import said
from tests.compiler.snippets import PRELUDE, compiled, excerpt, write

LINE = """
web = Crawl()
words = Vocabulary(corpus=web)
base = Pretrain(data=Tokenize(corpus=web, tokenizer=words), tokenizer=words)
sft = Sft(base=base)
policy = Dpo(policy=sft, kl_budget=9.0)
small = Quantize(model=policy)
report = Evaluate(model=small)
pipeline = Pipeline(name='p', targets=[report])
"""
TWO = """
def made(size, depth=1):
    words = Vocabulary(corpus=Crawl(), vocabulary=size)
    return Pretrain(data=Tokenize(corpus=Crawl(depth=depth), tokenizer=words), tokenizer=words)
"""


def codes(folder: Path, text: str) -> list[tuple[str, str]]:
    """The findings in a module's text, each with the source that it points at."""
    return [(found.code, excerpt(found.span)) for found in compiled(folder, PRELUDE + text).diagnostics]


def facts(tmp_path: Path, snippet: str) -> tuple[Facts, dict[str, AnyStage]]:
    """What follows from a snippet, and its stages by the kinds of their names."""
    file = write(tmp_path, PRELUDE + snippet)
    loaded = load(str(file))
    assert isinstance(loaded, Loaded), loaded
    graph = build(loaded)
    return compiling.derive(graph), {graph.names[stage].partition("_")[2]: stage for stage in graph.order}


def test_every_model_of_a_line_has_the_tokenizer_of_the_first(tmp_path: Path) -> None:
    known, stages = facts(tmp_path, LINE)

    for name in ("pretrain", "sft", "dpo", "quantize", "evaluate"):
        assert known.descent[stages[name]].tokenizer is stages["vocabulary"], name


def test_a_line_is_followed_from_a_quantized_model_to_its_base(tmp_path: Path) -> None:
    known, stages = facts(tmp_path, LINE)

    assert known.ancestry(stages["quantize"]) == [stages[name] for name in ("quantize", "dpo", "sft", "pretrain")]


def test_a_model_is_taught_from_the_first_stage_that_reads_conversations(tmp_path: Path) -> None:
    known, stages = facts(tmp_path, LINE)

    assert [known.taught(stages[name]) for name in ("pretrain", "sft", "dpo", "quantize")] == [False, True, True, True]


def test_a_base_model_that_read_rendered_conversations_is_taught(tmp_path: Path) -> None:
    render = (
        "class Render(Stage[Corpus]):\n    chats: Ref[Chats]\n\n    def run(self, work):\n        raise NotImplementedError\n\n\n"
        "base = Pretrain(data=Tokenize(corpus=Render(chats=Talk())))\n"
        "pipeline = Pipeline(name='p', targets=[Evaluate(model=base, chat=True)])\n"
    )

    assert codes(tmp_path, render) == []


def test_a_model_from_elsewhere_is_not_called_untaught(tmp_path: Path) -> None:
    given = (
        "class Download(Stage[Checkpoint]):\n    size_of: int = 7\n\n    def run(self, work):\n        raise NotImplementedError\n\n\n"
        "pipeline = Pipeline(name='p', targets=[Evaluate(model=Download(), chat=True)])\n"
    )

    assert codes(tmp_path, given) == []


@pytest.mark.parametrize("rows", [32_000, 31_990, 31_744, 31_000])
def test_a_vocabulary_may_be_filled_up(rows: int, tmp_path: Path) -> None:
    assert codes(tmp_path, LINE.replace("Vocabulary(corpus=web)", f"Vocabulary(corpus=web, vocabulary={rows})")) == []


def test_two_tokenizers_that_say_the_same_are_one(tmp_path: Path) -> None:
    twice = (
        "rows = Tokenize(corpus=Crawl(), tokenizer=Vocabulary(corpus=Crawl()))\n"
        "pipeline = Pipeline(name='p', targets=[Pretrain(data=rows, tokenizer=Vocabulary(corpus=Crawl()))])\n"
    )

    assert codes(tmp_path, twice) == []


def test_a_tokenizer_with_tokens_added_is_no_other_one(tmp_path: Path) -> None:
    extended = (
        "class Extend(Stage[Tokenizer]):\n    first: Ref[Tokenizer]\n    vocabulary: int = 32_000\n\n"
        "    def run(self, work):\n        raise NotImplementedError\n\n\n"
        "words = Vocabulary(corpus=Crawl(), vocabulary=31_995)\nrows = Tokenize(corpus=Crawl(), tokenizer=words)\n"
        "pipeline = Pipeline(name='p', targets=[Pretrain(data=rows, tokenizer=Extend(first=words))])\n"
    )

    assert codes(tmp_path, extended) == []


def test_models_of_two_tokenizers_may_be_compared(tmp_path: Path) -> None:
    compared = (
        f"{TWO}\nclass Compare(Stage[EvalReport]):\n    models: tuple[Ref[CausalModel], ...]\n\n"
        "    def run(self, work):\n        raise NotImplementedError\n\n\n"
        "pipeline = Pipeline(name='p', targets=[Compare(models=(made(32_000), made(31_936)))])\n"
    )

    assert codes(tmp_path, compared) == []


def test_a_stage_that_retokenizes_may_have_a_reward_of_another_family(tmp_path: Path) -> None:
    rewarded = (
        f"{TWO}\nclass Words(Dpo):\n    retokenizes = True\n\n\n"
        "policy = Words(policy=Sft(base=made(32_000)), reward=Reward(base=Sft(base=made(31_936))), kl_budget=9.0)\n"
        "pipeline = Pipeline(name='p', targets=[policy])\n"
    )

    assert codes(tmp_path, rewarded) == []
    assert [code for code, _ in codes(tmp_path, rewarded.replace("    retokenizes = True", "    pass"))] == ["PDSL228"]


def test_lengths_that_nobody_wrote_are_not_reported(tmp_path: Path) -> None:
    short = (
        "class Small(Pretrain):\n    def size(self, sizes):\n"
        "        return Size(model=Llama(hidden=64, layers=1, heads=1, kv_heads=1, ffn=64, vocabulary=512, context=256))\n\n\n"
        "base = Small(data=Tokenize(corpus=Crawl(), length=128))\npipeline = Pipeline(name='p', targets=[Sft(base=base{})])\n"
    )

    assert codes(tmp_path, short.format("")) == []
    assert codes(tmp_path, short.format(", max_length=512")) == [("PDSL223", "512")]


def test_fine_tuning_on_conversations_may_bring_another_template(tmp_path: Path) -> None:
    again = (
        "class Again(Stage[SftModel]):\n    base: Ref[SftModel]\n    data: Ref[Chats]\n    chat_template: str\n\n"
        "    def run(self, work):\n        raise NotImplementedError\n\n\n"
        "sft = Sft(base=Pretrain(data=Tokenize(corpus=Crawl())), chat_template='<|user|>{{ messages }}{{ eos_token }}')\n"
        "pipeline = Pipeline(name='p', targets=[Again(base=sft, data=Talk(), chat_template='{{ messages }}</s>')])\n"
    )

    assert codes(tmp_path, again) == []


def test_evaluations_that_are_only_called_differently_are_compared(tmp_path: Path) -> None:
    named = (
        "class Titled(Evaluate):\n    title: str = ''\n    batch: int = 8\n\n\n"
        "base = Pretrain(data=Tokenize(corpus=Crawl()))\nbefore = Titled(model=base, title='before', batch=4)\n"
        "after = Titled(model=Sft(base=base), title='after', batch=32)\n"
        "pipeline = Pipeline(name='p', targets=[after], gates=[metric('mmlu') >= baseline], baseline=before)\n"
    )

    assert codes(tmp_path, named) == []


def test_a_branch_beside_a_digest_is_fixed(tmp_path: Path) -> None:
    pinned = (
        "class Download(Stage[Source]):\n    repository: str\n    revision: str\n    sha256: str\n\n"
        "    def run(self, work):\n        raise NotImplementedError\n\n\n"
        "pipeline = Pipeline(name='p', targets=[Download(repository='a/b', revision='main', sha256='4b' * 32)])\n"
    )

    assert codes(tmp_path, pinned) == []


def test_a_source_that_is_pinned_by_its_artifact_needs_no_revision(tmp_path: Path) -> None:
    pinned = "pipeline = Pipeline(name='p', targets=[Crawl(url='https://a.example/b', pin='sha256:' + '4b' * 32)])\n"

    assert codes(tmp_path, pinned) == []


def test_a_property_that_raises_says_nothing(tmp_path: Path) -> None:
    raising = (
        "class Odd(Stage[Tokenizer]):\n    @property\n    def vocabulary(self):\n        raise RuntimeError('not now')\n\n"
        "    def run(self, work):\n        raise NotImplementedError\n\n\n"
        "words = Odd()\nrows = Tokenize(corpus=Crawl(), tokenizer=words)\n"
        "pipeline = Pipeline(name='p', targets=[Pretrain(data=rows, tokenizer=words)])\n"
    )

    assert codes(tmp_path, raising) == []


def test_a_flag_is_no_number(tmp_path: Path) -> None:
    _, stages = facts(tmp_path, "web = Crawl(filter=True)\npipeline = Pipeline(name='p', targets=[web])\n")

    assert said(stages["crawl"], "filter", int) is None
    assert said(stages["crawl"], "filter", bool) is True
