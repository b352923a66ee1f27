"""Where a thing was written, as a person counts lines and columns."""

from pathlib import Path

import pytest

from pipeline_dsl.base.span import Span
from pipeline_dsl.compiler.compile import compile_target
from tests.compiler.snippets import PRELUDE, compiled, excerpt, the_one, write


def told(folder: Path, declaration: str, before: str = "") -> Span:
    """Where the only finding about a declaration is."""
    found = the_one(compiled(folder, f"{PRELUDE}{before}{declaration}\npipeline = Pipeline(name='p', targets=[web])\n"))
    assert found.span is not None
    return found.span


@pytest.mark.parametrize(
    ("declaration", "column"),
    [
        ("web = Crawl(depth='3')", 19),
        ("größe = 1; web = Crawl(filter='ß', depth='3')", 42),
        ("wörter = '源氏物語 😀'; web = Crawl(depth='3')", 38),
        ("e\u0301 = 1; web = Crawl(depth='3')", 27),
        ("web =\tCrawl(depth=\t'3')", 20),
        ("if True:\tweb = Crawl(depth='3')", 28),
    ],
)
def test_columns_count_characters(declaration: str, column: int, tmp_path: Path) -> None:
    span = told(tmp_path, declaration)

    assert (span.line, span.column + 1, span.end_column - span.column) == (3, column, 3)
    assert excerpt(span) == "'3'"


@pytest.mark.parametrize(
    "before",
    [
        "\n\n\n",
        "# a form feed \f in a comment\n\f\n",
        "text = 'a line separator \u2028 and a next line \x85 in a string'\n",
        "text = '''\r\nlines that end as on another system\r\n'''\r\n",
        "text = 'a vertical tab \x0b'\nmore = 'a file separator \x1c'\n",
    ],
)
def test_lines_count_as_python_counts_them(before: str, tmp_path: Path) -> None:
    assert excerpt(told(tmp_path, "web = Crawl(depth='3')", before)) == "'3'"


def test_a_byte_order_mark_is_no_column(tmp_path: Path) -> None:
    first = "from pipeline_dsl.compiler.examples import *; from pipeline_dsl import *; web = Crawl(depth='3')"
    text = f"{first}\npipeline = Pipeline(name='p', targets=[web])\n"
    span = the_one(compile_target(str(write(tmp_path, text, encoding="utf-8-sig")))).span

    assert span is not None
    assert (span.line, span.column) == (1, text.index("'3'"))


def test_a_file_in_another_encoding_has_its_own_columns(tmp_path: Path) -> None:
    text = f"# -*- coding: latin-1 -*-\n{PRELUDE}größe = 'äöü'; web = Crawl(depth='3')\npipeline = Pipeline(name='p', targets=[web])\n"
    span = the_one(compile_target(str(write(tmp_path, text, encoding="latin-1")))).span

    assert span is not None
    assert (span.line, span.column) == (4, text.split("\n")[3].index("'3'"))


def test_a_call_of_many_lines_is_covered_whole(tmp_path: Path) -> None:
    span = told(tmp_path, "class Mine(Stage[Corpus]):\n    depth: int\nweb = Mine(\n    depth=(\n        1 +\n        2\n    ),\n)")

    assert (span.line, span.end_line) == (5, 10)
    assert excerpt(span).startswith("Mine(")
    assert excerpt(span).endswith("    ),\n)")


def test_an_argument_of_many_lines_is_covered_whole(tmp_path: Path) -> None:
    span = told(tmp_path, "web = Crawl(\n    name='web',\n    depth=(\n        '1'\n        '2'\n    ),\n)")

    assert excerpt(span) == "'1'\n        '2'"
    assert (span.line, span.end_line) == (6, 7)


@pytest.mark.parametrize(
    ("declaration", "covered"),
    [
        ("web = [Crawl(depth=depth) for depth in ('3',)][0]", "depth"),
        ("made = lambda: Crawl(depth='3')\nweb = made()", "'3'"),
        ("import functools\nmade = functools.partial(Crawl, depth='3')\nweb = made()", "made()"),
        ("import functools\nmade = functools.partial(Crawl, name='web')\nweb = made(depth='3')", "'3'"),
        ("import attrs\nweb = attrs.evolve(Crawl(name='web'), depth='3')", "'3'"),
        ("given = {'depth': '3'}\nweb = Crawl(**given)", "Crawl(**given)"),
        ("given = {'name': 'web'}\nweb = Crawl(**given, depth='3')", "'3'"),
        ("web = (Crawl)(depth='3')", "'3'"),
        ("web = Merge(corpora=(Crawl(depth=1), Crawl(depth='3')))", "'3'"),
        ("def make(depth):\n    return Crawl(depth=depth)\nweb = make('3')", "depth"),
        ("web = next(Crawl(depth=depth) for depth in ('3',))", "depth"),
        ("web = (found := Crawl(depth='3'))", "'3'"),
        ("match 1:\n    case _: web = Crawl(depth='3')", "'3'"),
        ("class Deep(Crawl):\n    depth: int = '3'\nweb = Deep()", "Deep()"),
        ("import copy\nold = Crawl(depth='3')\nweb = copy.copy(old)\ndel old", "'3'"),
    ],
)
def test_the_argument_is_found_however_the_stage_is_made(declaration: str, covered: str, tmp_path: Path) -> None:
    assert excerpt(told(tmp_path, declaration)) == covered


def test_a_declaration_that_was_run_as_text_is_shown_without_a_source_line(tmp_path: Path) -> None:
    span = told(tmp_path, "exec(\"web = Crawl(depth='3')\")")

    assert (span.file, span.line) == ("<string>", 1)


def test_findings_come_in_the_order_of_their_places(tmp_path: Path) -> None:
    text = f"{PRELUDE}b = Crawl(depth='3', name='B')\na = Crawl(depth=0)\npipeline = Pipeline(name='P', targets=[a, b], budget=5)\n"
    found = compiled(tmp_path, text).diagnostics

    assert [(diagnostic.code, excerpt(diagnostic.span)) for diagnostic in found] == [
        ("PDSL202", "'3'"),
        ("PDSL302", "'B'"),
        ("PDSL203", "0"),
        ("PDSL302", "'P'"),
        ("PDSL603", "5"),
    ]


def test_a_keyword_that_a_function_passes_on_is_found_where_it_was_given(tmp_path: Path) -> None:
    text = (
        f"{PRELUDE}def crawl(name, **more):\n    return Crawl(name=name, **more)\n\n"
        "def twice(**more):\n    return crawl('a', **more), crawl('b')\n\n"
        "first, second = twice(\n    depth='3',\n)\npipeline = Pipeline(name='p', targets=[first, second])\n"
    )
    span = the_one(compiled(tmp_path, text)).span

    assert span is not None
    assert excerpt(span) == "'3'"


def test_a_field_that_a_function_names_itself_is_found_in_the_function(tmp_path: Path) -> None:
    text = (
        f"{PRELUDE}def crawl(filter):\n    return Crawl(depth=filter)\n\n"
        "web = crawl(\n    filter='3',\n)\npipeline = Pipeline(name='p', targets=[web])\n"
    )
    span = the_one(compiled(tmp_path, text)).span

    assert span is not None
    assert excerpt(span) == "filter"
