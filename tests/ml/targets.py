"""What the tests of `launch` run in several processes."""

import json
import os
import signal
import time
from pathlib import Path

from pipeline_dsl.ml.rank import Rank


def note(rank: Rank) -> None:
    """Write down what this rank knows, and what surrounds it."""
    rank.progress(rank.rank + 1, 2, loss=0.5)
    said = {"rank": rank.rank, "world": rank.world, "local": rank.local, "environment": dict(os.environ)}
    Path(rank.config["folder"], f"{rank.rank}.json").write_text(json.dumps(said), encoding="utf-8")


def versions(rank: Rank) -> None:
    """Import a library."""
    rank.library("attrs")


def fail(rank: Rank) -> None:
    """Rank 1 fails, and a little later rank 0 for want of it."""
    if rank.rank == 1:
        print("about to divide")
        raise ValueError("nothing to divide by")
    time.sleep(4)  # ranks start when the machine lets them
    raise ConnectionError("rank 1 hung up")


def vanish(rank: Rank) -> None:
    """The kernel kills rank 1, and rank 0 fails for want of it."""
    if rank.rank == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(4)  # ranks start when the machine lets them
    raise ConnectionError("rank 1 hung up")


def linger(rank: Rank) -> None:
    """Say who this is, and stay."""
    Path(rank.config["folder"], f"{rank.rank}.pid").write_text(str(os.getpid()), encoding="utf-8")
    time.sleep(300)


def engines(rank: Rank) -> None:
    """Make a DeepSpeed engine of ZeRO stage 1 and note how each wrong claim about it is refused."""
    from pipeline_dsl.base.fault import StageFailed
    from pipeline_dsl.ml import deepspeed

    deepspeed.join(rank)
    torch = rank.library("torch")
    model = torch.nn.Linear(4, 4)
    settings = deepspeed.settings(stage=1, micro_batch=2, accumulation=3, clip=1.0, bf16=False)
    engine = rank.library("deepspeed").initialize(model=model, optimizer=torch.optim.AdamW(model.parameters()), config=settings)[0]
    deepspeed.prove(engine, stage=1, world=rank.world)
    said: list[str] = []
    for claimed, stage, world in ((model, 1, rank.world), (engine, 2, rank.world), (engine, 1, rank.world + 1)):
        try:
            deepspeed.prove(claimed, stage=stage, world=world)
        except StageFailed as fault:
            said.append(fault.message)
    if rank.rank == 0:
        batch = engine.train_batch_size()
        Path(rank.config["folder"], "said.json").write_text(json.dumps({"said": said, "batch": batch}), encoding="utf-8")
