"""Options of a backend: where and how a plan is launched. Execution, and so part of no digest."""

from typing import ClassVar


class Launcher:
    """The base of every backend's options, an attrs class whose fields all have defaults.

    They stand beside the pipeline, in a module of the team's own if that is handy: `Pipeline(launchers=[ours])`.
    """

    backend: ClassVar[str]
    """The name of the backend that they are for."""
