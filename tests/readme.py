"""The commands that the README shows, as its code blocks hold them.

A comment line just above a block says how it is meant:

    <!-- in: folder -->         run in this folder of a copy of the repository, made if it is not there
    <!-- exits: 1 -->           the last command of the block ends with this code, which is 0 without the comment
    <!-- run by: make demo -->  too long to run here: another test, or the command named, does
"""

import re
from pathlib import Path

import attrs

COMMENT = re.compile(r"<!-- (in|exits|run by): (.+?) -->")


@attrs.frozen
class Block:
    """A fenced block of commands: the line it starts at, and what the comments above it say."""

    line: int
    commands: tuple[str, ...]
    folder: str = "."
    exits: int = 0
    elsewhere: str = ""


def blocks(readme: Path) -> list[Block]:
    """Every block marked `console` or `sh` in which a line begins with `$ `.

    A command goes on in the next line after a backslash. Other lines are what a command prints.
    """
    found: list[Block] = []
    notes: dict[str, str] = {}
    lines = iter(enumerate(readme.read_text().splitlines(), start=1))
    for number, line in lines:
        if re.fullmatch(r"```(console|sh|bash|shell)", line):
            body: list[str] = []
            for _, text in lines:
                if text == "```":
                    break
                body.append(text)
            commands = re.findall(r"^\$ (.+)$", "\n".join(body).replace("\\\n", " "), re.MULTILINE)
            if commands:
                folder, exits = notes.get("in", "."), int(notes.get("exits", "0"))
                found.append(Block(number, tuple(commands), folder, exits, notes.get("run by", "")))
        if comment := COMMENT.fullmatch(line.strip()):
            notes[comment.group(1)] = comment.group(2)
        elif line.strip():
            notes = {}
    return found
