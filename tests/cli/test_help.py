"""What `--help` says of a command is so: its examples could be called."""

import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
from typer.main import get_command

from pipeline_dsl.cli.app import COMMANDS, app

GROUP: Any = get_command(app)


def commands() -> Iterator[tuple[str, Any]]:
    """Every command, and every one below it, with the words that call it."""
    for name in COMMANDS:
        command: Any = GROUP.resolve_command(None, [name])[1]
        yield name, command
        yield from ((f"{name} {below}", found) for below, found in getattr(command, "commands", {}).items())


KNOWN = dict(commands())


def examples(words: str) -> list[list[str]]:
    """The words of each call of `pdsl` that a command's help shows, up to what a shell would do with what it prints."""
    shown = re.findall(
        r"(?:^\s*|Example: |\| )pdsl (.+?)(?: \| .*)?$", KNOWN[words].help[KNOWN[words].help.rindex("Example") :], re.MULTILINE
    )
    return [shlex.split(line) for line in shown]


@pytest.mark.parametrize("words", KNOWN)
def test_every_command_shows_a_call_of_itself_with_options_that_it_has(words: str) -> None:
    assert examples(words)
    for example in examples(words):
        called = max((name for name in KNOWN if example[: len(name.split())] == name.split()), key=len)
        assert called.startswith(words)
        options = {option for param in KNOWN[called].params for option in (*param.opts, *param.secondary_opts)}
        assert {word.partition("=")[0] for word in example if re.match(r"--?[a-z]", word)} <= options


def test_the_list_of_commands_and_their_own_help_begin_alike() -> None:
    assert list(GROUP.list_commands(None)) == list(COMMANDS)
    assert all(COMMANDS[name].endswith(".") and KNOWN[name].help for name in COMMANDS)
