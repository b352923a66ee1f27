"""A pipeline: the stages that must be, and what decides whether they ship."""

from collections.abc import Sequence
from typing import Any

import attrs

from pipeline_dsl.base.span import Mark, mark
from pipeline_dsl.lang.artifacts import EvalReport
from pipeline_dsl.lang.budget import Budget
from pipeline_dsl.lang.device import CPU_CORE
from pipeline_dsl.lang.gate import Gate
from pipeline_dsl.lang.hardware import Hardware
from pipeline_dsl.lang.launcher import Launcher
from pipeline_dsl.lang.local import Local
from pipeline_dsl.lang.stage import Ref, Stage


@attrs.frozen(kw_only=True)
class Release:
    """The manifest of a run that shipped, named as a baseline by its path."""

    manifest: str


@attrs.frozen(kw_only=True, eq=False)
class Pipeline:
    """A module declares one. Everything that `targets` need is part of it, and nothing else may be declared.

    A pipeline ships if `ships` names what it releases, or if one of its stages makes a server; it must then have gates. A
    pipeline that ships nothing is research, and needs none.
    """

    name: str
    version: str = "0.1.0"
    seed: int = 0
    targets: Sequence[Stage[Any]]
    ships: Ref[Any] | None = None
    gates: Sequence[Gate] = ()
    baseline: Ref[EvalReport] | Release | None = None
    """What `baseline` in a gate means: an evaluation of this run, or a shipped run's manifest."""
    budget: Budget = Budget()
    on: Hardware = Hardware(device=CPU_CORE)
    local: Local = Local()
    launchers: Sequence[Launcher] = ()
    """Settings of the clusters that it is launched on, one a backend."""
    mark: Mark | None = attrs.field(init=False, factory=mark, repr=False)
