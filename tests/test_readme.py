"""Every `pdsl` command that the README shows does what a reader would expect of it."""

import os
import re
import shlex
import sys
from pathlib import Path

import pytest

from tests.command import ROOT, demo, pdsl, run
from tests.readme import Block, blocks

README = ROOT / "README.md"
BLOCKS = blocks(README) if README.is_file() else []


def words(command: str) -> list[str]:
    """A `pdsl` command's words after `pdsl`; empty for another program's."""
    found = shlex.split(command, comments=True)
    return found[1:] if found[:1] == ["pdsl"] else []


def label(block: Block) -> str:
    """The block's place and its first command."""
    return f"line {block.line}: {block.commands[0]}"


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A place to run in, which the blocks share as a reader's folder does: the pipelines, and `pdsl` on the path."""
    folder = tmp_path_factory.mktemp("readme")
    demo(folder)
    (folder / "bin").mkdir()
    program = folder / "bin" / "pdsl"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m pipeline_dsl "$@"\n')
    program.chmod(0o755)
    return folder


def test_the_readme_shows_commands() -> None:
    assert [command for block in BLOCKS for command in block.commands if words(command)] != []


@pytest.mark.parametrize("block", [block for block in BLOCKS if not block.elsewhere and any(map(words, block.commands))], ids=label)
def test_a_block_of_commands_ends_as_the_readme_says(block: Block, copy: Path) -> None:
    folder = copy / block.folder
    folder.mkdir(parents=True, exist_ok=True)
    for number, command in enumerate(block.commands, start=1):
        path = f"{copy / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}"
        result = run(["bash", "-euo", "pipefail", "-c", command], cwd=folder, PATH=path)
        expected = block.exits if number == len(block.commands) else 0

        assert result.returncode == expected, f"$ {command}\n{result.stdout}{result.stderr}"


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.elsewhere], ids=label)
def test_a_command_that_is_run_elsewhere_exists_with_its_options(block: Block, tmp_path: Path) -> None:
    for given in filter(None, map(words, block.commands)):
        command = [word for word in given[:2] if re.fullmatch(r"[a-z]+", word)]
        shown = pdsl(*command[:1], "--help", cwd=tmp_path)
        if len(command) == 2 and re.search(rf"^\W*{command[1]}\b", shown.stdout.partition("Commands")[2], re.MULTILINE):
            shown = pdsl(*command, "--help", cwd=tmp_path)
        assert shown.returncode == 0, shown.stderr

        options = [word.partition("=")[0] for word in given if word.startswith("--")]
        assert [option for option in options if option not in shown.stdout] == []


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.elsewhere.startswith("make ")], ids=label)
def test_a_make_target_that_is_said_to_run_a_command_exists(block: Block) -> None:
    target = block.elsewhere.split()[1]

    assert re.search(rf"^{re.escape(target)}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


def test_blocks_are_read_with_their_comments_and_continued_lines(tmp_path: Path) -> None:
    file = tmp_path / "README.md"
    file.write_text(
        "text\n\n<!-- exits: 1 -->\n<!-- in: a/b -->\n```console\n$ pdsl check \\\n    x.py\nwhat it prints\n$ pdsl plan x.py\n```\n\n"
        "```python\n$ no\n```\n\n<!-- run by: make demo -->\n\n```sh\n$ pdsl run x.py\n```\n"
    )

    assert blocks(file) == [
        Block(5, ("pdsl check      x.py", "pdsl plan x.py"), "a/b", 1, ""),
        Block(18, ("pdsl run x.py",), ".", 0, "make demo"),
    ]
