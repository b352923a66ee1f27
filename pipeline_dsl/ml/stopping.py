"""Being asked to stop: a scheduler is about to take the machine away, and there is time for one checkpoint.

Whoever is told first (a batch script's signal handler) makes the file that `PDSL_STOP` names; training looks for it after each
step. A file reaches every rank on every node without a signal having to pass through the launchers between.
"""

import os
from importlib import import_module
from pathlib import Path
from typing import Any

from pipeline_dsl.base.fault import StageFailed

VARIABLE = "PDSL_STOP"


def asked() -> bool:
    """Whether somebody asked this run to stop."""
    file = os.environ.get(VARIABLE)
    return bool(file) and Path(file).exists()


def agreed(device: Any = "cpu") -> bool:
    """Whether any rank was asked to: all ranks call this at the same step, and all get the same answer."""
    if VARIABLE not in os.environ:
        return False
    distributed: Any = import_module("torch.distributed")
    if not (distributed.is_available() and distributed.is_initialized()):
        return asked()
    flag = import_module("torch").tensor([float(asked())], device=device)
    distributed.all_reduce(flag)
    return bool(flag.item() > 0)


def refuse_unfinished(step: int, steps: int) -> None:
    """Keep a training that was stopped from being taken for one that ended; beside the request it notes how far it came.

    Raises: StageFailed.
    """
    if step < steps and asked():
        Path(f"{os.environ[VARIABLE]}.reached").write_text(f"{step}\n", encoding="utf-8")
        raise StageFailed(
            f"stopped as asked at step {step} of {steps}", help="its checkpoint is kept: started again, it goes on from there"
        )
