"""`pdsl explain`: what a code means."""

import json as codec
from pathlib import Path

import pytest

from pipeline_dsl.base.fault import Usage
from pipeline_dsl.cli.explain import explain
from pipeline_dsl.compiler.catalogue import catalogue
from tests.command import pdsl


def test_a_code_is_explained_with_a_pipeline_that_earns_it_and_one_that_does_not(tmp_path: Path) -> None:
    result = pdsl("explain", "PDSL303", cwd=tmp_path)

    assert result.returncode == 0, result.stderr
    for part in (
        "PDSL303  Cycle (error)",
        "Stages need each other in a circle",
        "This is refused:",
        "    parts.append(Merge(corpora=(merged,)))",
        "    error[PDSL303]: stages need each other in a circle: 02_merge -> 03_merge -> 02_merge",
        "     --> example.py:5:10",
        "              ^^^^^^^^^^^^^^^^^^^^",
        "This is right:",
    ):
        assert part in result.stdout


def test_what_is_shown_compiles_as_it_is_shown(tmp_path: Path) -> None:
    """A reader may copy both examples to a file."""
    shown = codec.loads(pdsl("explain", "PDSL203", "--json", cwd=tmp_path).stdout)
    (tmp_path / "bad_example.py").write_text(shown["bad"])
    (tmp_path / "good_example.py").write_text(shown["good"])

    assert "error[PDSL203]" in pdsl("check", "bad_example.py", cwd=tmp_path).stdout
    assert pdsl("check", "good_example.py", cwd=tmp_path).returncode == 0


def test_explaining_leaves_no_file_behind(tmp_path: Path) -> None:
    pdsl("explain", "PDSL412", cwd=tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_a_fault_of_a_run_is_explained_without_examples(tmp_path: Path) -> None:
    result = pdsl("explain", "PDSL401", cwd=tmp_path)

    assert result.stdout == (
        "PDSL401  DigestMismatch (fault)\n\nBytes are not the bytes that their digest names: tampered, corrupt or cut short.\n"
    )


@pytest.mark.parametrize("code", ["pdsl401", "401", " PDSL401 "])
def test_a_code_may_be_spelled_loosely(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    explain(code)

    assert capsys.readouterr().out.startswith("PDSL401  DigestMismatch")


@pytest.mark.parametrize(("code", "meant"), [("PDSL8011", "PDSL801"), ("cycle", "PDSL303"), ("evaluation-leak", "PDSL901")])
def test_an_unknown_code_is_refused_with_the_one_that_was_meant(code: str, meant: str) -> None:
    with pytest.raises(Usage, match=f"there is no code {code}") as refused:
        explain(code)

    assert f"did you mean {meant}?" in refused.value.help


def test_an_unknown_code_exits_with_2(tmp_path: Path) -> None:
    result = pdsl("explain", "PDSL999", cwd=tmp_path)

    assert (result.returncode, result.stdout) == (2, "")
    assert "there is no code PDSL999" in result.stderr


def test_without_a_code_all_are_listed_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    explain()

    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines if line.startswith(" ")] == sorted(catalogue())
    assert [line for line in lines if not line.startswith(" ")] == list(dict.fromkeys(f"{entry.part}:" for entry in catalogue().values()))


def test_all_codes_are_given_to_programs(capsys: pytest.CaptureFixture[str]) -> None:
    explain(json=True)
    entries = codec.loads(capsys.readouterr().out)

    assert [entry["code"] for entry in entries] == sorted(catalogue())
    assert {key for entry in entries for key in entry} == {"code", "title", "part", "kind", "text", "bad", "good"}
