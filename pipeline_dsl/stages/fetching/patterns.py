"""Glob patterns over paths inside an archive or a folder, and which of those paths are legal notices."""

import re
from collections.abc import Iterable
from functools import cache

_NOTICE = r"(?i)(licen[cs]e|notice|copying|copyright|authors|unlicense)([-._].*)?"


@cache
def _regex(pattern: str) -> re.Pattern[str]:
    """`*` and `?` stay within a folder, `**/` crosses any number of them, `[...]` is a set of characters."""
    found: list[str] = []
    for token in re.findall(r"\*\*/|\*\*|\*|\?|\[[^\]]+\]|.", pattern, re.DOTALL):
        match token:
            case "**/":
                found.append("(?:[^/]+/)*")
            case "**":
                found.append(".*")
            case "*":
                found.append("[^/]*")
            case "?":
                found.append("[^/]")
            case _ if len(token) > 1:
                inside = token[1:-1].replace("\\", "\\\\")
                found.append(f"[^{inside[1:]}]" if inside[0] == "!" else f"[{inside}]")
            case _:
                found.append(re.escape(token))
    return re.compile("".join(found), re.DOTALL)


def matches(path: str, pattern: str) -> bool:
    """Whether the whole of a path, its parts separated by `/`, fits a pattern."""
    return _regex(pattern).fullmatch(path) is not None


def unmatched(patterns: Iterable[str], paths: Iterable[str]) -> list[str]:
    """The patterns that no path fits."""
    known = list(paths)
    return [pattern for pattern in patterns if not any(matches(path, pattern) for path in known)]


def is_notice(path: str) -> bool:
    """Whether a file states a licence or names its authors, by what such files are called everywhere."""
    return re.fullmatch(_NOTICE, path.rpartition("/")[2]) is not None
