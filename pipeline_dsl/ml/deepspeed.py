"""What we ask of DeepSpeed, and proof that we got it."""

import os
from importlib import import_module
from typing import Any

from pipeline_dsl.base.fault import StageFailed
from pipeline_dsl.lang.placement import Offload
from pipeline_dsl.ml.rank import Rank


def settings(
    *,
    stage: int,
    micro_batch: int,
    accumulation: int,
    clip: float,
    bf16: bool,
    fp16: bool = False,
    offload: Offload = "none",
    universal: bool = False,
) -> dict[str, Any]:
    """A DeepSpeed configuration for ZeRO `stage`, with an optimizer of ours and fp32, bf16 or fp16 arithmetic.

    In 16 bits the optimizer keeps fp32 weights, except in bf16 at stage 0; in fp16 the loss is scaled. The optimizer is
    PyTorch's, also where its state is offloaded: DeepSpeed compiles its own on first use. `universal` is for going on from a
    universal checkpoint.
    Sources: ZeRO, Rajbhandari et al. (2020), arXiv:1910.02054; offloading, Ren et al. (2021), arXiv:2101.06840.
    """
    offloaded: dict[str, Any] = {} if offload == "none" else {"offload_optimizer": {"device": "cpu"}}
    if offload == "weights":
        offloaded["offload_param"] = {"device": "cpu"}
    return {
        "train_micro_batch_size_per_gpu": micro_batch,
        "gradient_accumulation_steps": accumulation,
        "gradient_clipping": clip,
        "bf16": {"enabled": bf16},
        "fp16": {"enabled": fp16},
        "zero_optimization": {"stage": stage, "stage3_gather_16bit_weights_on_model_save": stage == 3, **offloaded},
        "zero_allow_untested_optimizer": True,
        "zero_force_ds_cpu_optimizer": False,
        "steps_per_print": 10**9,
        "wall_clock_breakdown": False,
        **({"checkpoint": {"load_universal": True}} if universal else {}),
    }


def divided(*, batch: int, micro_batch: int, ranks: int, **told: Any) -> dict[str, Any]:
    """`settings` for `batch` rows of a step, of which each of `ranks` processes takes `micro_batch` at once."""
    return settings(micro_batch=micro_batch, accumulation=batch // (ranks * micro_batch), **told)


def join(rank: Rank) -> None:
    """Make this process part of its group: NCCL between GPUs, gloo between CPUs."""
    torch: Any = rank.library("torch")
    if torch.cuda.is_available():
        torch.cuda.set_device(rank.local)
        rank.library("deepspeed").init_distributed("nccl")
        return
    os.environ["DS_ACCELERATOR"] = "cpu"  # read on import
    deepspeed: Any = rank.library("deepspeed")
    # Between CPUs DeepSpeed compiles a shared-memory all-reduce on first use: over a minute, and a compiler must be there.
    import_module("deepspeed.ops").__dict__["__compatible_ops__"] = {"deepspeed_shm_comm": False}
    deepspeed.init_distributed("gloo", verbose=False)


def prove(engine: Any, *, stage: int, world: int) -> None:
    """Hold a trained-with object to what was asked: some launchers quietly train one process without DeepSpeed.

    Raises: StageFailed.
    """
    distributed: Any = import_module("torch.distributed")
    kind: Any = import_module("deepspeed").DeepSpeedEngine
    if not isinstance(engine, kind):
        raise StageFailed(f"training would run on a {type(engine).__name__}, not on DeepSpeed")
    found = engine.zero_optimization_stage()
    if found != stage:
        raise StageFailed(f"DeepSpeed runs ZeRO stage {found}, not {stage}")
    if distributed.get_world_size() != world:
        raise StageFailed(f"the group has {distributed.get_world_size()} processes, not {world}")
