"""Options of a backend: where and how a plan is launched. Execution, and so part of no digest."""

import re
from collections.abc import Iterable, Iterator
from typing import ClassVar

from pipeline_dsl.lang.stage import Problem

VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
"""The name of a variable of the environment."""


class Launcher:
    """The base of every backend's options, an attrs class whose fields all have defaults.

    They stand beside the pipeline, in a module of the team's own if that is handy: `Pipeline(launchers=[ours])`.
    """

    backend: ClassVar[str]
    """The name of the backend that they are for."""

    def problems(self) -> Iterator[Problem]:
        """What the scheduler would not read as it is written, each with the way to its field: `gpu.time`."""
        yield from ()


def within(path: str, problems: Iterable[Problem]) -> Iterator[Problem]:
    """The problems of a value that a field holds."""
    for problem in problems:
        yield Problem(f"{path}.{problem.field}", problem.message, problem.help)


def misnamed(path: str, names: Iterable[str]) -> Iterator[Problem]:
    """Names of variables that are none."""
    for name in names:
        if not VARIABLE.fullmatch(name):
            yield Problem(path, f"{name!r} is no name of a variable", "use letters, digits and `_`, and begin with no digit")
