"""What checks leave unsaid: the consequences of a fault, and what is meant to be so."""

from pathlib import Path

import pytest

from tests.compiler.snippets import PRELUDE, compiled, excerpt

CHEAP = "Device(name='X1', bf16=1e15, memory=10**9, price=None, price_date='', price_source='')"


def codes(folder: Path, text: str) -> list[tuple[str, str]]:
    """The findings about a module: each code with what it is about."""
    return [(diagnostic.code, excerpt(diagnostic.span)) for diagnostic in compiled(folder, f"{PRELUDE}{text}").diagnostics]


def test_of_a_forgotten_chain_only_its_end_is_reported(tmp_path: Path) -> None:
    text = "web = Crawl()\ndeep = Crawl(depth=9)\nmerged = Merge(corpora=(deep,))\nrows = Tokenize(corpus=merged)\n"

    assert codes(tmp_path, f"{text}pipeline = Pipeline(name='p', targets=[web])\n") == [("PDSL304", "Tokenize(corpus=merged)")]


def test_a_stage_under_a_private_name_may_be_left_unused(tmp_path: Path) -> None:
    assert codes(tmp_path, "_old = Crawl()\npipeline = Pipeline(name='p', targets=[Crawl(depth=2)])\n") == []


def test_an_unused_stage_is_found_in_a_dictionary(tmp_path: Path) -> None:
    text = "webs = {depth: Crawl(depth=depth) for depth in (1, 2)}\npipeline = Pipeline(name='p', targets=[webs[1]])\n"
    (found,) = compiled(tmp_path, f"{PRELUDE}{text}").diagnostics

    assert found.message == "`webs[2]` is declared, but no target needs it"


@pytest.mark.parametrize("fault", ["targets=[]", "targets=['web']", "targets=[Merge(corpora=('web',))]"])
def test_stages_that_a_mended_target_may_need_are_not_called_unused(fault: str, tmp_path: Path) -> None:
    found = codes(tmp_path, f"web = Crawl()\npipeline = Pipeline(name='p', {fault})\n")

    assert "PDSL304" not in {code for code, _ in found}
    assert len(found) == 1


def test_a_stage_is_asked_for_contradictions_once_its_values_fit(tmp_path: Path) -> None:
    declared = "base = Pretrain(data=Tokenize(corpus=Crawl()), batch=7, micro_batch={})\npipeline = Pipeline(name='p', targets=[base])\n"

    assert codes(tmp_path, declared.format("'2'")) == [("PDSL202", "'2'")]
    assert codes(tmp_path, declared.format("0")) == [("PDSL203", "0")]
    assert codes(tmp_path, declared.format("2")) == [("PDSL205", "7")]


def test_a_warning_is_allowed_where_it_is_declared_so_and_nowhere_else(tmp_path: Path) -> None:
    text = (
        f"place = Hardware(device={CHEAP})\none = Crawl(on=place)  # pdsl: allow[PDSL605] ours\nother = Crawl(on=place)\n"
        "pipeline = Pipeline(name='p', targets=[one, other], budget=Budget(usd=5))\n"
    )

    assert codes(tmp_path, text) == [("PDSL605", "Crawl(on=place)")]


def test_every_fault_of_a_pipeline_is_told_at_once(tmp_path: Path) -> None:
    text = (
        "a = Crawl(depth='3', name='A')\nb = Heldout(name='b')\nc = Heldout(name='b')\nd = Tokenize(corpus=5)\n"
        "base = Pretrain(data=b, learning_rate=-1)\nforgotten = Crawl()\n"
        "pipeline = Pipeline(name='P', targets=[a, c, d, base, 'x'], gates=['good'], "
        "budget=Budget(usd=-1), on=Hardware(device=H100, mfu=40))\n"
    )

    assert [code for code, _ in codes(tmp_path, text)] == [
        *("PDSL202", "PDSL302", "PDSL301", "PDSL206", "PDSL201", "PDSL203"),
        *("PDSL302", "PDSL305", "PDSL509", "PDSL603", "PDSL306"),
    ]


def test_a_stage_that_is_given_wrongly_does_not_hide_what_is_wrong_with_its_inputs(tmp_path: Path) -> None:
    text = "pipeline = Pipeline(name='p', targets=[Tokenize(corpus=Merge(corpora=(Crawl(depth=0), 5)), name='T')])\n"

    assert codes(tmp_path, text) == [("PDSL206", "(Crawl(depth=0), 5)"), ("PDSL203", "0"), ("PDSL302", "'T'")]
