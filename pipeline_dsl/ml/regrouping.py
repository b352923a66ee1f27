"""Going on from a checkpoint that another number of processes wrote.

Under ZeRO each rank keeps its own part of the optimizer, so DeepSpeed refuses such a checkpoint. It knows a universal one, which
holds every tensor whole and is divided anew by whoever loads it.
Source: Universal Checkpointing, Lian et al. (2024), arXiv:2406.18820.
"""

import contextlib
import shutil
import sys
from argparse import Namespace
from importlib import import_module
from pathlib import Path
from typing import Any

from pipeline_dsl.base.fault import StageFailed
from pipeline_dsl.ml.checkpoints import newest

_WHOLE = "universal"


def to_resume(folder: Path, *, stage: int, rank: int, world: int) -> tuple[Path | None, bool]:
    """(checkpoint to go on from, whether it is a universal one), from the newest complete one in `folder`; None without one.

    Every rank calls this at once; the first converts what needs it, beside the checkpoint, which stays as it was.
    Raises: StageFailed where the checkpoint is of another number of ranks and ZeRO `stage` 3: DeepSpeed 0.19 then lets all weights
    share one count of steps and the settings of the optimizer's first group, so that the run would learn something else.
    """
    last = newest(folder)
    before = written_by(last) if last else 0
    if last is None or before in (0, world):
        return last, False
    if stage == 3:
        help = f"go on with ranks={before}, or remove {folder} to begin anew"
        raise StageFailed(f"{last.name} is of {before} processes, and under ZeRO-3 {world} cannot go on from it", help=help)
    whole = folder / _WHOLE
    if rank == 0:
        print(f"{last.name} is of {before} processes; it is divided anew between {world}", flush=True)
        _convert(last, whole)
    import_module("torch.distributed").barrier()
    return whole, True


def written_by(checkpoint: Path) -> int:
    """How many ranks have a part in a checkpoint; 0 where nothing was divided, which any number of them can load."""
    return sum(1 for _ in checkpoint.glob("global_step*/*zero_pp_rank_*_optim_states.pt"))


def _convert(checkpoint: Path, whole: Path) -> None:
    shutil.rmtree(whole, ignore_errors=True)
    whole.mkdir()
    for file in checkpoint.iterdir():  # the Trainer's own, which are small; random states are of ranks that are no more
        if file.is_file() and not file.name.startswith(("rng_state", "complete.json")):
            shutil.copyfile(file, whole / file.name)
    (parts,) = checkpoint.glob("global_step*")
    convert: Any = import_module("deepspeed.checkpoint.ds_to_universal")
    told = Namespace(
        input_folder=str(parts),
        output_folder=str(whole / parts.name),
        num_extract_workers=1,  # more are forked, which a process with gloo's threads must not do
        num_merge_workers=1,
        keep_temp_folder=False,
        strict=True,
        inject_missing_state=True,
    )
    with contextlib.redirect_stdout(sys.stderr):
        convert.main(told)
