"""Finding a module, importing it, and saying what is wrong with it where it is wrong."""

import os
import sys
from pathlib import Path

import pytest

from pipeline_dsl.base.fault import Usage
from pipeline_dsl.compiler.compile import compile_target
from tests.command import pdsl
from tests.compiler.snippets import PRELUDE, compiled, excerpt, the_one, write


def test_an_error_in_an_imported_module_is_shown_in_that_module(tmp_path: Path) -> None:
    helper = write(tmp_path, "from pipeline_dsl import Count\n\nshares = [1 / number for number in (2, 1, 0)]\n", "recipes_of_test_load")
    found = the_one(
        compiled(tmp_path, f"{PRELUDE}from recipes_of_test_load import shares\npipeline = Pipeline(name='p', targets=[Crawl()])\n")
    )

    assert found.code == "PDSL101"
    assert found.span is not None
    assert (found.span.file, found.span.line) == (str(helper), 3)
    assert excerpt(found.span) == "1 / number"


def test_a_stage_that_is_declared_wrongly_in_an_imported_module_is_shown_there(tmp_path: Path) -> None:
    helper = write(tmp_path, f"{PRELUDE}web = Crawl(\n    depth='3',\n)\n", "web_of_test_load")
    found = the_one(compiled(tmp_path, f"{PRELUDE}from web_of_test_load import web\npipeline = Pipeline(name='p', targets=[web])\n"))

    assert found.code == "PDSL202"
    assert found.span is not None
    assert (found.span.file, found.span.line) == (str(helper), 4)


def test_a_syntax_error_in_an_imported_module_is_shown_there(tmp_path: Path) -> None:
    helper = write(tmp_path, "shares = [1, 2\nrest = 3\n", "broken_of_test_load")
    found = the_one(compiled(tmp_path, "import broken_of_test_load\n"))

    assert (found.code, found.span and found.span.file) == ("PDSL101", str(helper))


def test_what_a_library_raised_is_shown_at_the_line_that_called_it(tmp_path: Path) -> None:
    found = the_one(compiled(tmp_path, "import json\n\nsettings = json.loads('{')\n"))

    assert "JSONDecodeError" in found.message
    assert excerpt(found.span) == "json.loads('{')"


def test_a_project_in_a_folder_called_pipeline_dsl_is_the_authors_own(tmp_path: Path) -> None:
    file = write(tmp_path / "pipeline_dsl", "share = 1 / 0\n", "main_of_test_load")
    found = the_one(compile_target(str(file)))

    assert excerpt(found.span) == "1 / 0"


def test_two_modules_that_import_each_other_are_told_so(tmp_path: Path) -> None:
    write(tmp_path, "from second_of_test_load import late\nearly = 1\n", "first_of_test_load")
    write(tmp_path, "from first_of_test_load import early\nlate = 2\n", "second_of_test_load")
    found = the_one(compiled(tmp_path, "import first_of_test_load\n"))

    assert "still being imported" in found.message


def test_a_module_that_prints_does_not_disturb_what_a_program_reads(tmp_path: Path) -> None:
    file = write(tmp_path, f"{PRELUDE}print('hello')\npipeline = Pipeline(name='p', targets=[Crawl()])\n")
    result = pdsl("check", "--json", file, cwd=tmp_path)

    assert (result.returncode, result.stderr) == (0, "hello\n")
    assert result.stdout.startswith("{")


def test_a_module_that_exits_with_0_is_not_taken_for_a_right_one(tmp_path: Path) -> None:
    file = write(tmp_path, "raise SystemExit(0)\n")
    result = pdsl("check", file, cwd=tmp_path)

    assert result.returncode == 1
    assert "ended the process" in result.stdout


def test_two_targets_may_have_modules_of_one_name_beside_them(tmp_path: Path) -> None:
    for folder, depth in (("one", 1), ("two", 2)):
        write(tmp_path / folder, f"{PRELUDE}web = Crawl(depth={depth})\n", "common_of_test_load")
        write(
            tmp_path / folder,
            f"{PRELUDE}from common_of_test_load import web\npipeline = Pipeline(name='p', targets=[web])\n",
            "main_of_two",
        )
    plans = [compile_target(str(tmp_path / folder / "main_of_two.py")).plan for folder in ("one", "two", "one")]

    assert [plan.stages[0].fields["depth"] for plan in plans if plan] == [1, 2, 1]


def test_a_module_that_is_a_link_is_imported_once_for_several_targets(tmp_path: Path) -> None:
    folder = tmp_path / "linked"
    write(tmp_path / "elsewhere", f"{PRELUDE}import attrs\nclass Deep(Crawl):\n    depth: int = 5\n", "types_of_test_load")
    write(folder, "from types_of_test_load import Deep\nweb = Deep()\n", "parts_of_test_load")
    (folder / "types_of_test_load.py").symlink_to(tmp_path / "elsewhere" / "types_of_test_load.py")
    for name in ("first_linked", "second_linked"):
        write(
            folder,
            "from pipeline_dsl import Pipeline\nfrom types_of_test_load import Deep\nfrom parts_of_test_load import web\n"
            "pipeline = Pipeline(name='p', targets=[web, Deep(depth=6)])\n",
            name,
        )
    found = [compile_target(str(folder / f"{name}.py")).diagnostics for name in ("first_linked", "second_linked")]

    assert found == [(), ()]


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        ("web = Crawl(**dict(depth=1), depth=2)", "give each field once"),
        ("import dataclasses\nweb = dataclasses.replace(Crawl(), depth=2)", "write `attrs.evolve(stage, field=value)`"),
        ("import attrs\nweb = attrs.evolve(Crawl(), dept=2)", "did you mean `depth`?"),
        ("from .parts import web", "without a dot"),
        ("open('config/missing.yaml')", "Path(__file__).parent"),
        ("metric('mmlu') >= 0.98 * baseline", "`baseline - number`"),
        ("Llama(intermediate_size=4096)", "did you mean `ffn`?"),
        ("pipeline = Pipeline(name='p', targets=(Crawl(depth=n) for n in (1, 2)))", "write `targets=list(...)`"),
    ],
)
def test_what_python_refuses_comes_with_what_to_write_instead(said: str, advice: str, tmp_path: Path) -> None:
    found = the_one(compiled(tmp_path, f"{PRELUDE}{said}\n"))

    assert advice in found.help


def test_a_file_with_the_name_of_a_module_of_pythons_own_is_refused(tmp_path: Path) -> None:
    found = the_one(compile_target(str(write(tmp_path, "pipeline = None\n", "statistics"))))

    assert found.code == "PDSL101"
    assert "Python's own" in found.message
    assert "statistics" not in {
        name for name in sys.modules if getattr(sys.modules[name], "__file__", None) == str(tmp_path / "statistics.py")
    }


@pytest.mark.parametrize(
    "target",
    ["nothing_of_that_name", "os.path", "a b", "", "json.nothing", "sys", "pipelines/tiny", "-x.y", "nothing.py", "a.b.py"],
)
def test_what_is_no_file_and_no_module_is_a_fault_of_the_command(target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(Usage):
        compile_target(target)


def test_a_package_above_a_module_is_not_run_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "shop_of_test_load", "raise ValueError('the package is broken')\n", "__init__")
    write(tmp_path / "shop_of_test_load", "pipeline = None\n", "main")
    monkeypatch.chdir(tmp_path)
    found = the_one(compile_target("shop_of_test_load.main"))

    assert found.message == "importing this module raised ValueError: the package is broken"
    assert found.span is not None
    assert found.span.file.endswith("__init__.py")


def test_a_package_itself_can_be_a_pipeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(tmp_path / "whole_of_test_load", f"{PRELUDE}pipeline = Pipeline(name='p', targets=[Crawl()])\n", "__init__")
    monkeypatch.chdir(tmp_path)
    by_path, by_name = compile_target(str(file)).plan, compile_target("whole_of_test_load").plan

    assert by_path is not None
    assert by_path == by_name


def test_a_file_that_cannot_be_read_is_a_finding(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    file = write(tmp_path, "pipeline = None\n")
    file.chmod(0)

    assert the_one(compile_target(str(file))).code == "PDSL101"


@pytest.mark.parametrize(
    ("what", "data"),
    [
        ("a null byte", b"pipeline = None\0\n"),
        ("bytes that are no UTF-8", b"name = '\xff\xfe'\n"),
        ("an encoding that does not exist", b"# -*- coding: klingon -*-\n"),
        ("tabs and spaces", b"if True:\n\tx = 1\n        y = 2\n"),
        ("nothing", b""),
        ("too deep a nesting", b"x = " + b"(" * 500 + b")" * 500 + b"\n"),
        ("too long a number", b"x = " + b"9" * 10_000 + b"\n"),
    ],
)
def test_a_file_with_this_in_it_is_a_finding(what: str, data: bytes, tmp_path: Path) -> None:
    file = write(tmp_path, "")
    file.write_bytes(data)
    found = the_one(compile_target(str(file)))

    assert found.code in ("PDSL101", "PDSL103"), what
    assert found.span is not None
    assert found.span.line >= 1


def test_the_fields_that_there_are_are_named_when_none_is_close(tmp_path: Path) -> None:
    found = the_one(compiled(tmp_path, f"{PRELUDE}pipeline = Pipeline(name='p', targets=[Crawl()], budget=Budget(total=5))\n"))

    assert (found.message, found.help) == ("`Budget` has no field `total`", "its fields: usd, kl")


def test_a_field_that_is_close_is_suggested(tmp_path: Path) -> None:
    found = the_one(compiled(tmp_path, f"{PRELUDE}web = Crawl(dept=3)\n"))

    assert found.help == "did you mean `depth`?"
    assert excerpt(found.span) == "Crawl(dept=3)"
