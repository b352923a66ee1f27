"""Labels flow along the graph and are judged where they end."""

import time
from pathlib import Path

import pytest

from pipeline_dsl.compiler.graph import build
from pipeline_dsl.compiler.load import Loaded, load
from pipeline_dsl.compiler.passes import lineage
from tests.compiler.snippets import PRELUDE, compiled, excerpt, the_one, write

SHIPS = (
    "report = Evaluate(model=base)\n"
    "pipeline = Pipeline(name='p', targets=[report], ships=base, gates=GATES[:3], baseline=Release(manifest='v1.yaml'){})\n"
)


def codes(folder: Path, text: str) -> list[str]:
    return [diagnostic.code for diagnostic in compiled(folder, PRELUDE + text).diagnostics]


def test_the_diagnostic_shows_every_stage_on_the_way(tmp_path: Path) -> None:
    text = (
        "test = Heldout()\nmixed = Merge(corpora=(Crawl(), test))\nrows = Tokenize(corpus=mixed)\nbase = Pretrain(data=rows)\n"
        "pipeline = Pipeline(name='p', targets=[base])\n"
    )
    found = the_one(compiled(tmp_path, PRELUDE + text))

    assert found.message.endswith("01_heldout -> 03_merge -> 04_tokenize -> 05_pretrain")
    assert excerpt(found.span) == "rows"
    assert [(related.text, excerpt(related.span)) for related in found.related] == [
        ("made here", "Heldout()"),
        ("comes through `03_merge`", "Merge(corpora=(Crawl(), test))"),
        ("comes through `04_tokenize`", "Tokenize(corpus=mixed)"),
    ]


def test_a_leak_is_told_where_it_is_learnt_and_not_again_after_it(tmp_path: Path) -> None:
    text = "base = Pretrain(data=Tokenize(corpus=Heldout()))\nsft = Sft(base=base)\npipeline = Pipeline(name='p', targets=[sft])\n"

    assert codes(tmp_path, text) == ["PDSL901"]


CLEAN = """
class Clean(Stage[Corpus]):
    corpus: Ref[Corpus]
    def clears(self):
        return ("evaluation",)
    def run(self, work: Workspace) -> Corpus: ...
base = Pretrain(data=Tokenize(corpus=Clean(corpus=Merge(corpora=(Crawl(), Heldout())))))
pipeline = Pipeline(name='p', targets=[base])
"""


def test_a_stage_that_takes_evaluation_data_out_ends_it(tmp_path: Path) -> None:
    assert codes(tmp_path, CLEAN) == []
    assert codes(tmp_path, CLEAN.replace('"evaluation"', '"personal"')) == ["PDSL901"]


DRAWN = """
class Answer(Stage[Chats]):
    model: Ref[SftModel]
    suite: Ref[EvalSuite] = held_out()
    def run(self, work: Workspace) -> Chats: ...
class Without(Stage[Chats]):
    chats: Ref[Chats]
    suite: Ref[EvalSuite] = held_out()
    def run(self, work: Workspace) -> Chats: ...
base = Pretrain(data=Tokenize(corpus=Crawl()))
"""


def test_answers_to_a_suite_are_evaluation_data_even_if_it_is_called_held_out(tmp_path: Path) -> None:
    text = "sft = Sft(base=base, data=Answer(model=Sft(base=base), suite=Suite()))\npipeline = Pipeline(name='p', targets=[sft])\n"

    assert codes(tmp_path, DRAWN + text) == ["PDSL901"]


def test_a_suite_may_be_read_to_take_it_out(tmp_path: Path) -> None:
    text = "sft = Sft(base=base, data=Without(chats=Talk(), suite=Suite()))\npipeline = Pipeline(name='p', targets=[sft])\n"

    assert codes(tmp_path, DRAWN + text) == []


ADDED = """
from pipeline_dsl.lang.label import Label
class Bought(Stage[Corpus]):
    def labels(self):
        yield Label("non-commercial", "our contract")
    def run(self, work: Workspace) -> Corpus: ...
base = Pretrain(data=Tokenize(corpus=Bought()))
"""


def test_a_stage_of_ones_own_adds_labels(tmp_path: Path) -> None:
    found = the_one(compiled(tmp_path, PRELUDE + ADDED + SHIPS.format(", use='commercial'")))

    assert found.code == "PDSL904"
    assert "under our contract: 01_bought -> 02_tokenize -> 03_pretrain" in found.message


@pytest.mark.parametrize(("use", "expected"), [(", use='commercial'", ["PDSL904"]), (", use='research'", []), ("", [])])
def test_a_licence_is_held_against_the_declared_use(tmp_path: Path, use: str, expected: list[str]) -> None:
    text = "base = Pretrain(data=Tokenize(corpus=Crawl(licence='CC-BY-NC-SA-4.0')))\n"

    assert codes(tmp_path, text + SHIPS.format(use)) == expected


TERMS = """
class Bought(Stage[Corpus]):
    license: str = "LicenseRef-contract"
    terms: str | None = None
    def run(self, work: Workspace) -> Corpus: ...
base = Pretrain(data=Tokenize(corpus=Bought({})))
"""


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("", ["PDSL906"]),
        ("terms='open'", []),
        ("terms='non-commercial'", ["PDSL904"]),
        ("terms='a word of ours'", ["PDSL906"]),
        ("license='CC-BY-NC-4.0', terms='open'", []),
        ("license='CC-BY-NC-4.0'", ["PDSL904"]),
    ],
)
def test_what_a_team_says_of_a_licence_goes_before_its_name(tmp_path: Path, fields: str, expected: list[str]) -> None:
    assert codes(tmp_path, TERMS.format(fields) + SHIPS.format(", use='commercial'")) == expected


def test_data_that_is_only_measured_on_may_have_any_licence(tmp_path: Path) -> None:
    text = (
        "base = Pretrain(data=Tokenize(corpus=Crawl()))\nloss = Perplexity(model=base, text=Crawl(depth=2, licence='CC-BY-NC-4.0'))\n"
        + SHIPS.format(", use='commercial'").replace("[report]", "[report, loss]")
    )

    assert codes(tmp_path, text) == []


def test_one_licence_that_forbids_two_things_is_told_once_and_two_sources_are_both_named(tmp_path: Path) -> None:
    text = (
        "mixed = Merge(corpora=(Crawl(licence='CC-BY-NC-ND-4.0'), Crawl(depth=2, licence='CC-BY-NC-4.0')))\n"
        "base = Pretrain(data=Tokenize(corpus=mixed))\n"
    )
    found = the_one(compiled(tmp_path, PRELUDE + text + SHIPS.format(", use='commercial'")))

    assert "CC-BY-NC-ND-4.0" in found.message
    assert "CC-BY-NC-4.0 as well" in found.message


def test_an_unknown_use_is_reported_as_such(tmp_path: Path) -> None:
    found = the_one(compiled(tmp_path, PRELUDE + "pipeline = Pipeline(name='p', targets=[Crawl()], use='comercial')\n"))

    assert (found.code, excerpt(found.span)) == ("PDSL202", "'comercial'")


def test_both_of_two_sides_of_a_cross_validation_are_fine(tmp_path: Path) -> None:
    text = (
        "web = Crawl()\n"
        "def fold(salt):\n"
        "    base = Pretrain(data=Tokenize(corpus=Part(corpus=web, part='train', salt=salt)))\n"
        "    return Perplexity(model=base, text=Part(corpus=web, part='test', salt=salt))\n"
        "pipeline = Pipeline(name='p', targets=[fold('a'), fold('b')])\n"
    )

    assert codes(tmp_path, text) == []


def test_a_tokenizer_may_learn_from_the_whole(tmp_path: Path) -> None:
    text = (
        "web = Crawl()\nwords = Vocabulary(corpus=web)\nrows = Tokenize(corpus=Part(corpus=web, part='train'), tokenizer=words)\n"
        "base = Pretrain(data=rows)\npipeline = Pipeline(name='p', targets=[Perplexity(model=base, text=Part(corpus=web, part='test'))])\n"
    )

    assert codes(tmp_path, text) == []


def test_a_method_that_raises_is_reported_and_nothing_else_falls(tmp_path: Path) -> None:
    text = ADDED.replace('yield Label("non-commercial", "our contract")', "raise RuntimeError('no')")
    found = the_one(compiled(tmp_path, PRELUDE + text + "pipeline = Pipeline(name='p', targets=[base])\n"))

    assert (found.code, found.message) == ("PDSL209", "`Bought.labels` raised RuntimeError: no")


def chain(folder: Path, stages: int) -> float:
    """Seconds of processor time to follow labels along a chain into which every second stage brings one."""
    text = (
        f"{PRELUDE}web = Crawl(licence='CC-BY-NC-4.0', personal=True)\nfor depth in range({stages // 2}):\n"
        "    web = Merge(corpora=(web, Crawl(depth=depth + 1, licence=f'LicenseRef-{depth}')))\n"
        "pipeline = Pipeline(name='p', targets=[Part(corpus=web, part='test')])\n"
    )
    loaded = load(str(write(folder, text)))
    assert isinstance(loaded, Loaded)
    graph = build(loaded)
    times: list[float] = []
    for _ in range(3):
        started = time.process_time()
        lineage.follow(graph)
        times.append(time.process_time() - started)
    return min(times)


def test_following_labels_is_linear_in_stages(tmp_path: Path) -> None:
    assert chain(tmp_path, 8_000) < 10 * chain(tmp_path, 2_000)
