"""How a pipeline runs on one machine: execution, and so part of no digest."""

from typing import ClassVar

import attrs

from pipeline_dsl.lang.launcher import Launcher


@attrs.frozen(kw_only=True)
class Local(Launcher):
    """Options of the local runner.

    `jobs` is how many cores it keeps busy, 0 for all of them; `threads` how many a stage's numerical libraries may use.
    More threads may round sums in another order: keep to one number where bits matter.
    """

    backend: ClassVar[str] = "local"

    jobs: int = 0
    threads: int = 1
