"""What a backend is: a plan and its options in, files out.

A backend decides file names and spelling; order, resources and commands are the plan's. It reads no clock and no disk and
computes no digest, so the same plan gives the same bytes.
"""

from collections.abc import Iterator
from typing import Any, ClassVar, Generic, TypeVar

import attrs

from pipeline_dsl.base.convert import structure
from pipeline_dsl.base.fault import Usage
from pipeline_dsl.lang.launcher import Launcher
from pipeline_dsl.plan.plan import Plan
from pipeline_dsl.render.cluster import Cluster

L = TypeVar("L", bound=Launcher)


@attrs.frozen
class Rendered:
    """One file: its path inside the backend's folder, with `/`; its text; whether it is to be executed."""

    path: str
    text: str
    executable: bool = False


class Backend(Generic[L]):
    """One way to launch a plan. A subclass in a package that is found makes the backend exist."""

    name: ClassVar[str]
    options: ClassVar[type[Launcher]]
    """Its options; every field has a default, so that a plan compiles for it without a word."""

    def render(self, plan: Plan, options: L) -> Iterator[Rendered]:
        """The files of a plan.

        Raises: Unrenderable.
        """
        raise NotImplementedError

    def cluster(self) -> Cluster:
        """What its files are submitted to.

        Raises: Usage where it only renders.
        """
        raise Usage(f"`{self.name}` renders files and submits nothing", help=f"write them with `pdsl compile --backend {self.name}`")

    def given(self, plan: Plan) -> L:
        """The options that the pipeline declares for this backend, or the default ones."""
        found: Any = structure(plan.launchers.get(self.name, {}), self.options, what=f"the options of `{self.name}`")
        return found
