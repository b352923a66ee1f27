"""Fine-tuning of a model that exists, by TRL: one function a trainer, each run by one process or by a group on DeepSpeed."""

import json
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import attrs

from pipeline_dsl.base.convert import structure, unstructure
from pipeline_dsl.base.fault import StageFailed
from pipeline_dsl.lang.workspace import Workspace
from pipeline_dsl.ml import checkpoints, deepspeed, models, stopping
from pipeline_dsl.ml.rank import Rank, write_whole

SFT = "pipeline_dsl.ml.finetuning:sft"
REWARD = "pipeline_dsl.ml.finetuning:reward"
DPO = "pipeline_dsl.ml.finetuning:dpo"

LOG = 10
"""Steps between logged losses. Checkpoints come at multiples of it, so that resuming loses no part of a mean."""


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
    zero_stage: int
    save_every: int
    seed: int
    threads: int
    beta: float = 0.1
    chosen_weight: float = 0.0
    reference: str = ""
    lora_rank: int | None = None
    lora_alpha: float = 16.0
    max_length: int = 1024


def tune(work: Workspace, target: str, job: Tuning, *, processes: int) -> float:
    """Run a trainer on `job`, in this process or in a group of `processes`, and return the mean loss of its last tenth.

    Raises: StageFailed; MissingLibrary.
    """
    for library in ("torch", "transformers", "trl"):
        work.library(library)
    config = {"job": unstructure(job)}
    if processes == 1:
        here = Rank(rank=0, world=1, local=0, config=config)
        run: Callable[[Rank, Callable[..., None]], None] = {SFT: _sft, REWARD: _reward, DPO: _dpo}[target]
        run(here, work.progress)
    else:
        work.library("deepspeed")
        work.launch(target, config, processes=processes)
    return float(json.loads((Path(job.folder) / "outcome.json").read_text(encoding="utf-8"))["loss"])


def sft(rank: Rank) -> None:
    """Supervised fine-tuning, as one of a group."""
    _sft(rank, rank.progress)


def reward(rank: Rank) -> None:
    """Reward modelling, as one of a group."""
    _reward(rank, rank.progress)


def dpo(rank: Rank) -> None:
    """Direct preference optimisation, as one of a group."""
    _dpo(rank, rank.progress)


def _sft(rank: Rank, report: Callable[..., None]) -> None:
    job, data = _begin(rank)
    trl = import_module("trl.trainer.sft_config"), import_module("trl.trainer.sft_trainer")
    _score_answers_only()
    settings: Any = _settings(rank, job)
    arguments = trl[0].SFTConfig(
        **settings,
        dataset_kwargs={"skip_prepare_dataset": True},  # its rows are token ids with labels already
        max_length=None,
        packing=False,
        train_sampling_strategy="group_by_length",
    )
    model = _causal(job.base)
    trainer = trl[1].SFTTrainer(
        model=model, args=arguments, train_dataset=data, processing_class=_tokenizer(job.base), peft_config=_lora(job)
    )
    _run(rank, job, trainer, report)


def _reward(rank: Rank, report: Callable[..., None]) -> None:
    job, data = _begin(rank)
    trl = import_module("trl.trainer.reward_config"), import_module("trl.trainer.reward_trainer")
    tokenizer = _tokenizer(job.base)
    transformers: Any = import_module("transformers")
    transformers.set_seed(job.seed)  # the head is fresh
    model = transformers.AutoModelForSequenceClassification.from_pretrained(
        job.base, num_labels=1, dtype=_torch().float32, local_files_only=True
    )
    model.config.pad_token_id = tokenizer.pad_token_id
    trainer = trl[1].RewardTrainer(
        model=model,
        args=trl[0].RewardConfig(**_settings(rank, job), max_length=job.max_length, disable_dropout=True),
        train_dataset=data,
        processing_class=tokenizer,
    )
    _run(rank, job, trainer, report)


def _dpo(rank: Rank, report: Callable[..., None]) -> None:
    job, data = _begin(rank)
    trl = import_module("trl.trainer.dpo_config"), import_module("trl.trainer.dpo_trainer")
    _score_answers_only()
    weights: Mapping[str, Any] = (
        {"loss_type": ["sigmoid", "sft"], "loss_weights": [1.0, job.chosen_weight]} if job.chosen_weight else {"loss_type": ["sigmoid"]}
    )
    trainer = trl[1].DPOTrainer(
        model=_causal(job.base),
        ref_model=_causal(job.reference or job.base),
        args=trl[0].DPOConfig(**_settings(rank, job), **weights, beta=job.beta, max_length=job.max_length),
        train_dataset=data,
        processing_class=_tokenizer(job.base),
    )
    _run(rank, job, trainer, report)


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


def _begin(rank: Rank) -> tuple[Tuning, Any]:
    job = structure(rank.config["job"], Tuning, what="the job")
    _torch().set_num_threads(job.threads)
    if rank.world > 1:
        deepspeed.join(rank)
    import_module("transformers.utils.logging").disable_progress_bar()
    datasets: Any = import_module("datasets")
    datasets.disable_progress_bars()
    return job, datasets.Dataset.from_dict(json.loads(Path(job.rows).read_text(encoding="utf-8")))


def _settings(rank: Rank, job: Tuning) -> dict[str, Any]:
    accumulation = job.batch // (rank.world * job.micro_batch)
    zero = deepspeed.settings(stage=job.zero_stage, micro_batch=job.micro_batch, accumulation=accumulation, clip=job.clip, bf16=job.bf16)
    return {
        "output_dir": job.folder,
        "deepspeed": zero if rank.world > 1 else None,
        "use_cpu": not _torch().cuda.is_available(),
        "bf16": job.bf16,
        "num_train_epochs": job.epochs,
        "per_device_train_batch_size": job.micro_batch,
        "gradient_accumulation_steps": accumulation,
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


def _run(rank: Rank, job: Tuning, trainer: Any, report: Callable[..., None]) -> None:
    if not len(trainer.train_dataset):
        raise StageFailed(f"no row fits into {job.max_length} tokens", help="raise `max_length`")
    trainer.remove_callback(import_module("transformers").PrinterCallback)
    trainer.add_callback(_watch(rank, report))
    last = checkpoints.newest(Path(job.folder)) if job.save_every else None
    ended = trainer.train(resume_from_checkpoint=str(last) if last else None)
    stopping.refuse_unfinished(trainer.state.global_step, trainer.state.max_steps)
    if rank.world > 1:
        deepspeed.prove(trainer.model_wrapped, stage=job.zero_stage, world=rank.world)
    model = trainer.accelerator.unwrap_model(trainer.model_wrapped)
    state = trainer.accelerator.get_state_dict(trainer.model_wrapped) if rank.world > 1 else None
    if rank.rank == 0:
        if hasattr(model, "merge_and_unload"):
            model, state = model.merge_and_unload(), None
        models.save(model, state or model.state_dict(), Path(job.output))
        models.copy_tokenizer(Path(job.base), Path(job.output))
        write_whole(Path(job.folder) / "outcome.json", {"loss": _last_loss(trainer.state, ended.training_loss), "steps": ended.global_step})


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
            report(state.global_step, state.max_steps, loss=loss)
            print(f"step {state.global_step}/{state.max_steps} loss {loss:.4f}", flush=True)

        def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if rank.world > 1:
                import_module("torch.distributed").barrier()
            if rank.rank == 0:
                checkpoints.seal(Path(args.output_dir) / f"checkpoint-{state.global_step}")

    return Watch()


def _causal(folder: str) -> Any:
    transformers: Any = import_module("transformers")
    return transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=_torch().float32, local_files_only=True)


def _tokenizer(folder: str) -> Any:
    transformers: Any = import_module("transformers")
    return transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)


def _lora(job: Tuning) -> Any:
    """Adapters on every linear layer (Hu et al., 2021, arXiv:2106.09685); None trains all weights."""
    if job.lora_rank is None:
        return None
    peft: Any = import_module("peft")
    return peft.LoraConfig(r=job.lora_rank, lora_alpha=job.lora_alpha, target_modules="all-linear", task_type="CAUSAL_LM")


def _torch() -> Any:
    return import_module("torch")
