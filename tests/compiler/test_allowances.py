"""A warning is allowed by a comment where it is declared, with a reason, and by nothing else."""

from pathlib import Path

import pytest

from tests.compiler.snippets import PRELUDE, compiled, write

CHEAP = "Device(name='Own-1', bf16=Flops(4e14), memory=96 * 10**9, price=None, price_date='', price_source='')"
START = f"{PRELUDE}from pipeline_dsl.base.units import Flops\nplace = Hardware(device={CHEAP})\n"
END = "pipeline = Pipeline(name='p', targets=[web], budget=Budget(usd=5))\n"


def found(folder: Path, declared: str) -> list[str]:
    """The codes that a pipeline earns in which the cost of `web` is unknown."""
    return [diagnostic.code for diagnostic in compiled(folder, START + declared + END).diagnostics]


def test_a_cost_that_nobody_knows_is_warned_of(tmp_path: Path) -> None:
    assert found(tmp_path, "web = Crawl(on=place)\n") == ["PDSL605"]


@pytest.mark.parametrize(
    "declared",
    [
        "web = Crawl(on=place)  # pdsl: allow[PDSL605] ours\n",
        "# pdsl: allow[PDSL605] ours\nweb = Crawl(on=place)\n",
        "# pdsl: allow[PDSL605] ours\n# and it will stay so\nweb = Crawl(on=place)\n",
        "web = (  # pdsl: allow[PDSL605] ours\n    Crawl(on=place)\n)\n",
        "# pdsl: allow[PDSL605] ours\nweb = (\n    Crawl(on=place)\n)\n",
        "web = (\n    # pdsl: allow[PDSL605] ours\n    Crawl(on=place)\n)\n",
        "web = Crawl(on=place)  #pdsl:allow[ PDSL605 , PDSL507 ]   ours\n".replace(" , PDSL507", ""),
        "def make():\n    return Crawl(on=place)  # pdsl: allow[PDSL605] ours\nweb = make()\n",
        "for _ in range(2):\n    web = Crawl(on=place)  # pdsl: allow[PDSL605] ours\n",
        "ü = '源氏'; web = Crawl(on=place)  # pdsl: allow[PDSL605] 源氏\n",
    ],
)
def test_a_comment_allows_it_on_its_line_above_it_or_where_the_statement_begins(declared: str, tmp_path: Path) -> None:
    assert found(tmp_path, declared) == []


@pytest.mark.parametrize(
    "declared",
    [
        "web = Crawl(on=place)\n# pdsl: allow[PDSL605] ours\n",
        "# pdsl: allow[PDSL605] ours\n\nweb = Crawl(on=place)\n",
        "here = place  # pdsl: allow[PDSL605] ours\nweb = Crawl(on=here)\n",
    ],
)
def test_elsewhere_it_allows_nothing_and_is_told_so(declared: str, tmp_path: Path) -> None:
    assert sorted(found(tmp_path, declared)) == ["PDSL211", "PDSL605"]


@pytest.mark.parametrize("at", ["pipeline", "gates"])
def test_a_comment_on_the_pipeline_allows_a_warning_about_its_gates(at: str, tmp_path: Path) -> None:
    """PDSL507: nobody knows yet what the baseline of a gate is."""
    comment = "  # pdsl: allow[PDSL507] the first release will be the baseline"
    text = (
        f"{PRELUDE}report = Evaluate(model=Pretrain(data=Tokenize(corpus=Crawl())))\n"
        f"pipeline = Pipeline({comment if at == 'pipeline' else ''}\n    name='p',\n    targets=[report],\n"
        f"    gates=[metric('mmlu') >= baseline],{comment if at == 'gates' else ''}\n)\n"
    )

    assert [told.code for told in compiled(tmp_path, text.replace(comment, "")).diagnostics] == ["PDSL507"]
    assert compiled(tmp_path, text).diagnostics == ()


def test_what_a_string_holds_is_no_comment(tmp_path: Path) -> None:
    assert found(tmp_path, "web = Crawl(on=place, filter='# pdsl: allow[PDSL605] ours')\n") == ["PDSL605"]


@pytest.mark.parametrize(
    ("comment", "message"),
    [
        ("allow[PDSL605]", "this gives no reason why PDSL605 is meant so"),
        ("allow", "this allows nothing: it names no code"),
        ("allow PDSL605 ours", "this allows nothing: it names no code"),
        ("allow[] ours", "this allows nothing: it names no code"),
        ("allow[PDSL201] ours", "'PDSL201' is not the code of a warning that can be allowed"),
        ("allow[PDSL999] ours", "'PDSL999' is not the code of a warning that can be allowed"),
        ("allow[PDSL211] ours", "'PDSL211' is not the code of a warning that can be allowed"),
        ("allow[605] ours", "'605' is not the code of a warning that can be allowed"),
    ],
)
def test_a_comment_that_cannot_allow_anything_is_an_error(comment: str, message: str, tmp_path: Path) -> None:
    text = f"{PRELUDE}web = Crawl()  # pdsl: {comment}\npipeline = Pipeline(name='p', targets=[web])\n"
    (told,) = compiled(tmp_path, text).diagnostics

    assert (told.code, told.message) == ("PDSL210", message)
    assert told.span is not None
    assert (told.span.line, told.span.column) == (3, len("web = Crawl()  "))


def test_an_error_stays_whatever_a_comment_says(tmp_path: Path) -> None:
    text = f"{PRELUDE}web = Crawl(depth='3')  # pdsl: allow[PDSL202] it is three\npipeline = Pipeline(name='p', targets=[web])\n"

    assert [told.code for told in compiled(tmp_path, text).diagnostics] == ["PDSL202", "PDSL210"]


def test_a_comment_in_an_imported_file_allows_what_is_declared_there(tmp_path: Path) -> None:
    write(tmp_path, f"{START}web = Crawl(on=place)  # pdsl: allow[PDSL605] ours\n", "shared_allowed")

    assert compiled(tmp_path, f"{PRELUDE}from shared_allowed import web\n{END}").diagnostics == ()


def test_a_comment_in_an_imported_file_may_be_there_for_other_pipelines(tmp_path: Path) -> None:
    write(tmp_path, f"{PRELUDE}web = Crawl()  # pdsl: allow[PDSL605] on some machines nobody knows\n", "shared_idle")

    assert compiled(tmp_path, f"{PRELUDE}from shared_idle import web\n{END}").diagnostics == ()


def test_nothing_is_called_stale_while_errors_keep_checks_from_running(tmp_path: Path) -> None:
    text = f"{START}web = Crawl(depth='3', on=place)  # pdsl: allow[PDSL605] ours\n{END}"

    assert [told.code for told in compiled(tmp_path, text).diagnostics] == ["PDSL202"]


def test_the_field_that_did_this_before_names_the_comment(tmp_path: Path) -> None:
    (told,) = compiled(tmp_path, f"{PRELUDE}web = Crawl(allow=('PDSL605',))\n").diagnostics

    assert (told.code, told.help) == ("PDSL105", "a warning is allowed by a comment: `# pdsl: allow[CODE] reason`")
