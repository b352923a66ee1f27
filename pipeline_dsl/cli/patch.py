"""Unified diffs: what the files that they touch are once they are applied. Nothing is written, and no path leads out of the folder."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import attrs

from pipeline_dsl.base.fault import Usage

_ESCAPED = re.compile(r"\\([0-3][0-7]{2})")
_HUNK = re.compile(r"@@ -(?P<old>\d+)(?:,(?P<olds>\d+))? \+(?P<new>\d+)(?:,(?P<news>\d+))? @@").match


@attrs.frozen
class Change:
    """A file that a diff touches, on its new side; `lines` are those that it changes, counted from 1."""

    file: str
    text: str
    lines: frozenset[int]
    old: str | None = None
    """The name that it had before; None if it is new."""
    before: str = ""
    """What it was before."""


@attrs.frozen
class _Hunk:
    start: int
    """The first line on the old side, counted from 0."""
    old: list[str]
    new: list[str]
    added: frozenset[int]
    """The places in `new` of lines that are not on the old side."""


def changed(diff: str, folder: Path) -> Iterator[Change]:
    """The new side of every file in YAML or JSON in a diff, read against the files below `folder`, or against its last commit.

    Raises: Usage if a file is not the one that the diff was made from, or lies elsewhere.
    """
    top = _top(folder)
    for old, new, hunks in _files(diff):
        if new is None or Path(new).suffix not in (".yaml", ".yml", ".json"):
            continue
        lines = [] if old is None else _base(new, old, folder if _there(old, new, folder) else top, hunks)
        text, touched = _applied(lines, hunks, new)
        yield Change(new, "\n".join(text), touched, old, "\n".join(lines))


def names(diff: str) -> Iterator[tuple[str | None, str | None]]:
    """The files that a diff touches, each by its name before and after; None where there is none."""
    for old, new, _ in _files(diff):
        yield old, new


def _top(folder: Path) -> Path:
    """The root of the repository, from which git names files wherever it is called; the folder itself where there is none."""
    found = subprocess.run(["git", "rev-parse", "--show-toplevel"], cwd=folder, capture_output=True, check=False)
    return Path(found.stdout.decode("utf-8", "surrogateescape").rstrip("\n")) if found.returncode == 0 else folder


def _there(old: str, new: str, folder: Path) -> bool:
    """Whether the folder has a file of this name, or its last commit had."""
    if _inside(new, folder).is_file():
        return True
    command = ["git", "cat-file", "-e", f"HEAD:./{old}"]
    return subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode == 0


def _files(diff: str) -> Iterator[tuple[str | None, str | None, list[_Hunk]]]:
    """Each file of a diff: its old name, its new one, and its hunks."""
    lines, at = diff.replace("\r\n", "\n").split("\n"), 0
    while at < len(lines):
        if lines[at].startswith("rename from ") and at + 1 < len(lines) and lines[at + 1].startswith("rename to "):
            if not any(line.startswith("--- ") for line in lines[at + 2 : at + 4]):  # nothing but its name
                yield _name(f"--- {lines[at][12:]}", whole=True), _name(f"+++ {lines[at + 1][10:]}", whole=True), []
            at += 2
            continue
        if not (lines[at].startswith("--- ") and at + 1 < len(lines) and lines[at + 1].startswith("+++ ")):
            at += 1
            continue
        old, new = _name(lines[at]), _name(lines[at + 1])
        at += 2
        hunks: list[_Hunk] = []
        while at < len(lines) and (head := _HUNK(lines[at])):
            hunk, at = _hunk(lines, at + 1, int(head["old"]), int(head["olds"] or 1), int(head["news"] or 1))
            hunks.append(hunk)
        yield old, new, hunks


def _name(line: str, *, whole: bool = False) -> str | None:
    """The name in a line of a diff; `whole` if git put no `a/` or `b/` before it."""
    name = line[4:].split("\t", 1)[0].strip()
    if name == "/dev/null":
        return None
    if name.startswith('"') and name.endswith('"') and len(name) > 1:  # as git quotes what is not ASCII, byte by byte
        name = _ESCAPED.sub(lambda found: chr(int(found[1], 8)), name[1:-1]).encode("latin-1", "replace").decode("utf-8", "replace")
    return name[2:] if not whole and name[:2] in ("a/", "b/", "i/", "w/", "c/", "o/") else name


def _hunk(lines: list[str], at: int, first: int, olds: int, news: int) -> tuple[_Hunk, int]:
    old: list[str] = []
    new: list[str] = []
    added: set[int] = set()
    while at < len(lines) and (len(old) < olds or len(new) < news or lines[at].startswith("\\")):
        sign, text = lines[at][:1], lines[at][1:]
        if sign in ("-", " ", ""):
            old.append(text)
        if sign in ("+", " ", ""):
            if sign == "+":
                added.add(len(new))
            new.append(text)
        if sign not in ("-", "+", " ", "", "\\"):
            raise Usage("this diff is cut short", help="make it anew: `git diff main -- manifests`")
        at += 1
    if len(old) != olds or len(new) != news:
        raise Usage("this diff is cut short", help="make it anew: `git diff main -- manifests`")
    return _Hunk(max(0, first - (1 if olds else 0)), old, new, frozenset(added)), at


def _inside(name: str, folder: Path) -> Path:
    """The path of a file of the diff, which must lie below the folder, links followed.

    Raises: Usage.
    """
    path = (folder / name).resolve()
    if Path(name).is_absolute() or not path.is_relative_to(folder.resolve()):
        raise Usage(
            f"the diff names {name!r:.200}, which lies outside of this folder", help="review it from the folder that it was made in"
        )
    return path


def _base(new: str, old: str, folder: Path, hunks: list[_Hunk]) -> list[str]:
    """The lines that the hunks are to be applied to: those of the file, or of the last commit where the file is changed already.

    Raises: Usage if neither fits.
    """
    candidates: list[list[str]] = []
    path = _inside(new, folder)
    if path.is_file():
        candidates.append(path.read_text(encoding="utf-8", errors="surrogateescape").split("\n"))
    if all(_fits(candidate, hunks) for candidate in candidates) and candidates:
        grown = any(len(hunk.new) > len(hunk.old) for hunk in hunks)  # lines at its end are also there where they were added already
        undone = _undone(candidates[0], hunks) if grown else None
        return candidates[0] if undone is None else undone
    committed = subprocess.run(["git", "show", f"HEAD:./{old}"], cwd=folder, capture_output=True, check=False)
    if committed.returncode == 0:
        candidates.append(committed.stdout.decode("utf-8", "surrogateescape").replace("\r\n", "\n").split("\n"))
    for candidate in candidates:
        if _fits(candidate, hunks):
            return candidate
    if candidates and (undone := _undone(candidates[0], hunks)) is not None:
        return undone
    raise Usage(f"the diff does not fit {old!r:.200}", help="review it in the repository and at the commit that it was made from")


def _fits(lines: list[str], hunks: list[_Hunk]) -> bool:
    return all(lines[hunk.start : hunk.start + len(hunk.old)] == hunk.old for hunk in hunks)


def _undone(lines: list[str], hunks: list[_Hunk]) -> list[str] | None:
    """The old side of a file to which the diff was applied already; None if it was not."""
    result = list(lines)
    for hunk in hunks:
        if result[hunk.start : hunk.start + len(hunk.new)] != hunk.new:
            return None
        result[hunk.start : hunk.start + len(hunk.new)] = hunk.old
    return result


def _applied(lines: list[str], hunks: list[_Hunk], name: str) -> tuple[list[str], frozenset[int]]:
    result: list[str] = []
    touched: set[int] = set()
    at = 0
    for hunk in hunks:
        if hunk.start < at or lines[hunk.start : hunk.start + len(hunk.old)] != hunk.old:
            raise Usage(f"the diff does not fit {name!r:.200}", help="review it in the repository and at the commit that it was made from")
        result += lines[at : hunk.start]
        touched |= {len(result) + place + 1 for place in hunk.added}
        result += hunk.new
        at = hunk.start + len(hunk.old)
    return result + lines[at:], frozenset(touched)
