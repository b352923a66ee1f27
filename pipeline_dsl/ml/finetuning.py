"""Fine-tuning of a model that exists, by TRL: one function a trainer, each run by one process or by a group on DeepSpeed."""

import json
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import attrs

from pipeline_dsl.base.convert import structure, unstructure
from pipeline_dsl.base.fault import StageFailed
from pipeline_dsl.lang.adapter import Lora
from pipeline_dsl.lang.placement import Attention, Offload, Recompute
from pipeline_dsl.lang.verify import Verify
from pipeline_dsl.lang.workspace import Workspace
from pipeline_dsl.ml import checkpoints, deepspeed, lora, models, recomputation, stopping
from pipeline_dsl.ml.rank import Rank, write_whole

SFT = "pipeline_dsl.ml.finetuning:sft"
REWARD = "pipeline_dsl.ml.finetuning:reward"
DPO = "pipeline_dsl.ml.finetuning:dpo"

Report = Callable[..., None]
"""What is told a step, the number of steps, and figures."""

LOG = 10
"""Steps between logged losses. Checkpoints come at multiples of it, so that resuming loses no part of a mean."""

_GROUPED: Mapping[str, Any] = {
    "train_sampling_strategy": "group_by_length",  # by the column `length`: pairs are padded to the longest of a batch
    "remove_unused_columns": False,  # else that column is dropped before it is read
}


@attrs.frozen(kw_only=True)
class Sampling:
    """How a policy draws `group` answers to each prompt, what judges them, and how far one step may go."""

    group: int
    max_new_tokens: int
    temperature: float
    updates: int
    """Optimizer steps on the same answers."""
    clip_ratio: float
    reward: str = ""
    """The folder of a reward model."""
    verify: Verify | None = None


@attrs.frozen(kw_only=True)
class Tuning:
    """One fine-tuning run: what every trainer is told. `batch` counts rows of a step on all processes.

    `rows` is a JSON file with the columns that the trainer reads; `folder` takes checkpoints and `outcome.json`.
    """

    base: str
    rows: str
    folder: str
    output: str
    epochs: int
    batch: int
    micro_batch: int
    learning_rate: float
    warmup: float
    weight_decay: float
    clip: float
    bf16: bool
    fp16: bool = False
    zero_stage: int
    offload: Offload = "none"
    recompute: Recompute = "none"
    attention: Attention = "sdpa"
    save_every: int
    seed: int
    threads: int
    beta: float = 0.1
    chosen_weight: float = 0.0
    reference: str = ""
    sampling: Sampling | None = None
    """How answers are drawn and judged, where a trainer learns from its own."""
    lora: Lora | None = None
    """Adapters to train instead of the weights; `output` then takes them alone."""
    max_length: int = 1024


def tune(work: Workspace, target: str, job: Tuning, *, processes: int) -> float:
    """Run a trainer on `job`, in this process or in a group of `processes`, and return the mean loss of its last tenth.

    Raises: StageFailed; MissingLibrary.
    """
    adapting = () if job.lora is None else ("peft",) if job.lora.base == "bf16" else ("peft", "bitsandbytes")
    for library in ("torch", "transformers", "trl", *adapting):
        work.library(library)
    config = {"job": unstructure(job)}
    if processes == 1 and job.offload == "none":
        module, _, name = target.partition(":")
        getattr(import_module(module), name)(Rank(rank=0, world=1, local=0, config=config), work.progress)
    else:
        work.library("deepspeed")
        work.launch(target, config, processes=processes)
    return float(json.loads((Path(job.folder) / "outcome.json").read_text(encoding="utf-8"))["loss"])


def sft(rank: Rank, report: Report | None = None) -> None:
    """Supervised fine-tuning; one of a group reports as its rank does."""
    job, data = begin(rank)
    trl = import_module("trl.trainer.sft_config"), import_module("trl.trainer.sft_trainer")
    _score_answers_only()
    told: Any = settings(rank, job)
    arguments = trl[0].SFTConfig(
        **told,
        dataset_kwargs={"skip_prepare_dataset": True},  # its rows are token ids with labels already
        max_length=None,
        packing=False,
        train_sampling_strategy="group_by_length",
    )
    model, adapters = student(rank, job)
    trainer = trl[1].SFTTrainer(
        model=model, args=arguments, train_dataset=data, processing_class=tokenizer_of(job.base), peft_config=adapters
    )
    run(rank, job, trainer, report)


def reward(rank: Rank, report: Report | None = None) -> None:
    """Reward modelling; one of a group reports as its rank does."""
    job, data = begin(rank)
    trl = import_module("trl.trainer.reward_config"), import_module("trl.trainer.reward_trainer")
    tokenizer = tokenizer_of(job.base)
    transformers: Any = import_module("transformers")
    transformers.set_seed(job.seed)  # the head is fresh
    model = transformers.AutoModelForSequenceClassification.from_pretrained(
        job.base, num_labels=1, dtype=_torch().float32, local_files_only=True
    )
    model.config.pad_token_id = tokenizer.pad_token_id
    trainer = trl[1].RewardTrainer(
        model=model,
        args=trl[0].RewardConfig(**settings(rank, job), **_GROUPED, max_length=job.max_length, disable_dropout=True),
        train_dataset=data,
        processing_class=tokenizer,
    )
    run(rank, job, trainer, report)


def dpo(rank: Rank, report: Report | None = None) -> None:
    """Direct preference optimisation; one of a group reports as its rank does."""
    job, data = begin(rank)
    trl = import_module("trl.trainer.dpo_config"), import_module("trl.trainer.dpo_trainer")
    _score_answers_only()
    weights: Mapping[str, Any] = (
        {"loss_type": ["sigmoid", "sft"], "loss_weights": [1.0, job.chosen_weight]} if job.chosen_weight else {"loss_type": ["sigmoid"]}
    )
    model, adapters = student(rank, job)
    trainer = trl[1].DPOTrainer(
        model=model,
        ref_model=causal(job.reference or job.base) if adapters is None else None,  # without its adapters it is the reference
        args=trl[0].DPOConfig(**settings(rank, job), **_GROUPED, **weights, beta=job.beta, max_length=job.max_length),
        train_dataset=data,
        processing_class=tokenizer_of(job.base),
        peft_config=adapters,
    )
    run(rank, job, trainer, report)


def _score_answers_only() -> None:
    """Have TRL run the language-model head at the tokens that carry loss alone, on a CPU as it does on a GPU.

    TRL goes by whether Triton runs on the device, for the sake of compilers that this process does not use. The numbers are
    the same; with short answers a step takes two thirds of the time.
    """
    internals: Any = import_module("trl.trainer.utils")
    if hasattr(internals, "_use_triton"):
        internals.__dict__["_use_triton"] = lambda device: True  # pyright: ignore[reportUnknownLambdaType]
    else:
        print("this version of TRL decides in another way where it runs the language-model head: steps may be slow", flush=True)


def begin(rank: Rank) -> tuple[Tuning, Any]:
    """(job, rows) of this process, which has joined its group."""
    job = structure(rank.config["job"], Tuning, what="the job")
    _torch().set_num_threads(job.threads)
    if _grouped(rank, job):
        deepspeed.join(rank)
    import_module("transformers.utils.logging").disable_progress_bar()
    datasets: Any = import_module("datasets")
    datasets.disable_progress_bars()
    return job, datasets.Dataset.from_dict(json.loads(Path(job.rows).read_text(encoding="utf-8")))


def settings(rank: Rank, job: Tuning) -> dict[str, Any]:
    """What all of TRL's trainers are told."""
    zero = deepspeed.divided(
        batch=job.batch,
        micro_batch=job.micro_batch,
        ranks=rank.world,
        stage=job.zero_stage,
        clip=job.clip,
        bf16=job.bf16,
        fp16=job.fp16,
        offload=job.offload,
    )
    return {
        "output_dir": job.folder,
        "deepspeed": zero if _grouped(rank, job) else None,
        "use_cpu": not _torch().cuda.is_available(),
        "bf16": job.bf16,
        "fp16": job.fp16,
        "num_train_epochs": job.epochs,
        "per_device_train_batch_size": job.micro_batch,
        "gradient_accumulation_steps": zero["gradient_accumulation_steps"],
        "gradient_checkpointing": False,
        "learning_rate": job.learning_rate,
        "lr_scheduler_type": "cosine",
        "warmup_steps": job.warmup,  # below one: a share of all steps
        "optim": "adamw_torch_fused",
        "weight_decay": job.weight_decay,
        "max_grad_norm": job.clip,
        "seed": job.seed,
        "data_seed": job.seed,
        "dataloader_pin_memory": False,
        "logging_steps": LOG,
        "logging_nan_inf_filter": False,  # by default a loss that is no number is logged as 0
        "save_strategy": "steps" if job.save_every else "no",
        "save_steps": -(-(job.save_every or 500) // LOG) * LOG,
        "save_total_limit": 2,
        "eval_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
    }


def run(rank: Rank, job: Tuning, trainer: Any, report: Report | None) -> None:
    """Train from the start or from the last complete checkpoint, and write what was made.

    Raises: StageFailed if no row fits, or the loss is no number any more.
    """
    if not len(trainer.train_dataset):
        raise StageFailed(f"no row fits into {job.max_length} tokens", help="raise `max_length`")
    trainer.remove_callback(import_module("transformers").PrinterCallback)
    trainer.add_callback(_watch(rank, report or rank.progress))
    if job.lora is not None:
        lora.keep_whole(trainer.model)
    recomputation.prepare(trainer.model, recompute=job.recompute, attention=job.attention)
    last = checkpoints.newest(Path(job.folder)) if job.save_every else None
    ended = trainer.train(resume_from_checkpoint=str(last) if last else None)
    stopping.refuse_unfinished(trainer.state.global_step, trainer.state.max_steps)
    if _grouped(rank, job):
        deepspeed.prove(trainer.model_wrapped, stage=job.zero_stage, world=rank.world)
    model = trainer.accelerator.unwrap_model(trainer.model_wrapped)
    state = trainer.accelerator.get_state_dict(trainer.model_wrapped) if _grouped(rank, job) else None
    if rank.rank == 0:
        if job.lora is not None:
            lora.save(model, state, Path(job.output))
        else:
            models.save(model, state or model.state_dict(), Path(job.output))
            models.copy_tokenizer(Path(job.base), Path(job.output))
        write_whole(Path(job.folder) / "outcome.json", {"loss": _last_loss(trainer.state, ended.training_loss), "steps": ended.global_step})


def _grouped(rank: Rank, job: Tuning) -> bool:
    """Whether DeepSpeed trains: it divides between processes, and it alone can offload."""
    return rank.world > 1 or job.offload != "none"


def _last_loss(state: Any, mean: float) -> float:
    """The mean training loss of the last tenth. A trainer that resumed has the whole history, its own mean covers only its part."""
    losses = [float(entry["loss"]) for entry in state.log_history if "loss" in entry]
    if not losses:  # shorter than one interval of logging, and so never resumed
        return float(state.log_history[-1]["train_loss"])
    recent = losses[-max(1, len(losses) // 10) :]
    return sum(recent) / len(recent) if recent else mean  # a run of a few steps logs none


def _watch(rank: Rank, report: Callable[..., None]) -> Any:
    """A callback that reports, and seals checkpoints."""
    base: Any = import_module("transformers").TrainerCallback

    class Watch(base):
        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if state.global_step < state.max_steps and stopping.agreed(args.device):
                control.should_save = control.should_training_stop = True

        def on_log(self, args: Any, state: Any, control: Any, logs: Mapping[str, float], **_: Any) -> None:
            if "loss" not in logs or rank.rank:
                return
            loss = float(logs["loss"])
            if not loss < float("inf"):
                raise StageFailed(f"the loss is {loss} at step {state.global_step}", help="lower the learning rate")
            figures = {name: float(logs[name]) for name in ("loss", "reward", "kl") if name in logs}
            report(state.global_step, state.max_steps, **figures)
            said = " ".join(f"{name} {value:.4f}" for name, value in figures.items())
            print(f"step {state.global_step}/{state.max_steps} {said}", flush=True)

        def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if rank.world > 1:
                import_module("torch.distributed").barrier()
            if rank.rank == 0:
                checkpoints.seal(Path(args.output_dir) / f"checkpoint-{state.global_step}")

    return Watch()


def causal(folder: str) -> Any:
    """A whole model that all weights of are trained, or that is only looked at."""
    transformers: Any = import_module("transformers")
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=_torch().float32, local_files_only=True)
    models.balance(model)
    return model


def tokenizer_of(folder: str) -> Any:
    """The tokenizer beside a model."""
    transformers: Any = import_module("transformers")
    return transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)


def student(rank: Rank, job: Tuning) -> tuple[Any, Any]:
    """(model, adapters): what learns, and what TRL puts beside it while the model itself stays as it is; None where it does not."""
    if job.lora is None:
        return causal(job.base), None
    torch = _torch()
    device = f"cuda:{rank.local}" if torch.cuda.is_available() else "cpu"
    dtype = torch.bfloat16 if job.bf16 else torch.float16 if job.fp16 else torch.float32
    model = lora.frozen(job.base, job.lora, dtype=dtype, device=device)
    import_module("transformers").set_seed(job.seed)  # the adapters are fresh
    return model, lora.config(model, job.lora)


def _torch() -> Any:
    return import_module("torch")
