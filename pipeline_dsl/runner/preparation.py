"""Getting ready to replay a run: where the code for it is found here, what is otherwise than it was, and so what is to be run again."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import attrs

from pipeline_dsl.base.fault import Usage
from pipeline_dsl.plan.plan import Plan, PlannedStage
from pipeline_dsl.runner.deviation import Deviation, of_machine, of_plans, together
from pipeline_dsl.runner.original import Original, of_code, of_types
from pipeline_dsl.runner.replay import Replay
from pipeline_dsl.runner.reproduction import Tolerance
from pipeline_dsl.runner.sources import roots
from pipeline_dsl.store.bundle import Bundle


class Preparation:
    """A run, where the code for it is found here, and what is otherwise than it was.

    Nothing is imported to find that out. Without `trust`, what a bundle names counts as here only if it is not the bundle's own;
    `expected` is a plan that the run is held against as well.
    """

    def __init__(self, recorded: Original, unpacked: Bundle | None, *, trust: bool, expected: Plan | None) -> None:
        self.original = recorded
        self.bundle = unpacked
        source = unpacked.source if unpacked and unpacked.source.is_dir() else None
        self._folders = roots(source) if source and trust else roots(Path.cwd(), recorded.plan.root)
        self._guarded = unpacked is not None and not trust
        planned = list(of_plans(recorded.plan, expected)) if expected else []
        index = unpacked.index if unpacked else None
        code = of_code(recorded, self._folders, index, source, guarded=self._guarded)
        self.deviations = together([*planned, *code, *of_machine(recorded.records)])

    def order(self, only: str | None, jobs: int, tolerances: Mapping[str, Tolerance]) -> Replay:
        """What is to be run: the stages that finished, or `only` one of them, whose types are imported now and held against the run too.

        Raises: Usage if there is no such stage, or its code is not here; StageFailed if it cannot be imported.
        """
        plan, records = self.original.plan, self.original.records
        only = None if only is None else plan.find(only).name
        if only is not None and only not in records:
            raise Usage(f"`{only}` did not finish in this run", help="replay one of " + ", ".join(records))
        barred = _barred(self.deviations)
        wanted = [stage for stage in plan.stages if stage.name in records and only in (None, stage.name) and stage.name not in barred]
        self._require_code(wanted)
        types, deviations = of_types(self.original, wanted, self._folders, guarded=self._guarded)
        self.deviations = together([*deviations, *self.deviations])
        return Replay(types=types, jobs=jobs, only=only, barred=_barred(self.deviations), tolerances=tolerances)

    def _require_code(self, wanted: Sequence[PlannedStage]) -> None:
        needed = {stage.name for stage in wanted} | {parent for stage in wanted for parent in stage.parents}
        absent = [self.original.plan.stage(name).type for name in sorted(needed) if self._absent(name)]
        if not absent:
            return
        names = ", ".join(dict.fromkeys(absent))
        help = "run from the folder of the project that it is imported from"
        if self._guarded and self.bundle and self.bundle.index.source:
            help = "the bundle has it: read it (`tar -xf FILE source`), and give `--trust` to run it, as if it were yours"
        raise Usage(f"the code of {names} is not here", help=help)

    def _absent(self, stage: str) -> bool:
        return any(item.what == "code" and item.here is None and stage in item.stages for item in self.deviations)


def _barred(deviations: Sequence[Deviation]) -> dict[str, str]:
    """The stages that are not the ones that ran, each with what is otherwise."""
    found: dict[str, list[str]] = {}
    for item in deviations:
        for stage in item.stages if item.decisive else ():
            found.setdefault(stage, []).append(str(attrs.evolve(item, stages=())))
    return {stage: "; ".join(reasons) for stage, reasons in found.items()}
