"""How a pipeline runs on one machine: execution, and so part of no digest."""

import attrs


@attrs.frozen(kw_only=True)
class Local:
    """Options of the local runner.

    `jobs` is how many cores it keeps busy, 0 for all of them; `threads` how many a stage's numerical libraries may use.
    More threads may round sums in another order: keep to one number where bits matter.
    """

    jobs: int = 0
    threads: int = 1
