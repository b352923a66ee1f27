"""Supervised fine-tuning by TRL's SFTTrainer: in the stage's own process, or as ranks on DeepSpeed."""

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import attrs

from pipeline_dsl.base.convert import structure
from pipeline_dsl.ml import deepspeed, models
from pipeline_dsl.ml.dialogue import Turns, encode_chats, read_chats
from pipeline_dsl.ml.rank import Rank, write_whole
from pipeline_dsl.ml.tuning import Report, Tuning, arguments, in_order, parameters, score_answers_only, train

TARGET = "pipeline_dsl.ml.supervised:run"


@attrs.frozen(kw_only=True)
class Lora:
    """Low-rank adapters on every linear layer but the head, merged into the weights when training ends.

    Source: Hu et al. (2021), arXiv:2106.09685: an update (alpha / rank) B A, with `rank` columns in B.
    """

    rank: int
    alpha: float


@attrs.frozen(kw_only=True)
class Job:
    """What to learn from what: folders, as a rank gets them."""

    model: str
    chats: str
    output: str
    folder: str
    """Where checkpoints and `outcome.json` go."""
    max_length: int
    tuning: Tuning
    lora: Lora | None = None
    zero_stage: int = 0
    threads: int = 1


@attrs.frozen(kw_only=True)
class Outcome:
    """What came of it."""

    parameters: int
    examples: int
    loss: float


def fit(
    library: Callable[[str], Any],
    model: Any,
    tokenizer: Any,
    turns: Sequence[Turns],
    tuning: Tuning,
    folder: Path,
    report: Report,
    *,
    lora: Lora | None = None,
    zero: dict[str, Any] | None = None,
    world: int = 1,
) -> tuple[Any, float]:
    """(trainer, loss) of training `model` on conversations whose labels say which tokens carry loss."""
    datasets, trl = library("datasets"), library("trl")
    score_answers_only()
    order = in_order([len(row.ids) for row in turns], tuning)
    data = datasets.Dataset.from_dict({"input_ids": [turns[at].ids for at in order], "labels": [turns[at].labels for at in order]})
    peft = None
    if lora is not None:
        peft = library("peft").LoraConfig(
            r=lora.rank, lora_alpha=lora.alpha, lora_dropout=0.0, target_modules="all-linear", task_type="CAUSAL_LM"
        )
    trainer = trl.SFTTrainer(
        model=model,
        args=trl.SFTConfig(
            **arguments(tuning, folder, len(order), world=world),
            max_length=None,  # rows are cut already
            dataset_kwargs={"skip_prepare_dataset": True},
            **({"deepspeed": zero} if zero else {}),
        ),
        train_dataset=data,
        processing_class=tokenizer,
        peft_config=peft,
    )
    return trainer, train(trainer, folder, report)


def supervise(library: Callable[[str], Any], job: Job, report: Report, rank: Rank | None = None) -> Outcome | None:
    """Do the job; the model and its tokenizer go to `job.output`. Only rank 0 has an outcome."""
    torch, transformers = library("torch"), library("transformers")
    torch.set_num_threads(job.threads)
    import_module("transformers.utils.logging").disable_progress_bar()
    if rank is not None:
        deepspeed.join(rank)
    source = Path(job.model)
    model = transformers.AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32, local_files_only=True)
    tokenizer = transformers.AutoTokenizer.from_pretrained(source, local_files_only=True)
    turns = encode_chats(tokenizer, read_chats(Path(job.chats)), max_length=job.max_length)
    zero, world = None, 1
    if rank is not None:
        world = rank.world
        accumulation = job.tuning.batch // (job.tuning.micro_batch * world)
        zero = deepspeed.settings(
            stage=job.zero_stage, micro_batch=job.tuning.micro_batch, accumulation=accumulation, clip=1.0, bf16=job.tuning.bf16
        )
    trainer, loss = fit(library, model, tokenizer, turns, job.tuning, Path(job.folder), report, lora=job.lora, zero=zero, world=world)
    if rank is not None:
        deepspeed.prove(trainer.model_wrapped, stage=job.zero_stage, world=world)
        state = trainer.accelerator.get_state_dict(trainer.model_wrapped)
        if rank.rank:
            return None
    else:
        model = trainer.model.merge_and_unload() if job.lora else trainer.model
        state = model.state_dict()
    models.save(model, state, Path(job.output))
    models.copy_tokenizer(source, Path(job.output))
    return Outcome(parameters=parameters(model), examples=len(turns), loss=loss)


def run(rank: Rank) -> None:
    """What each rank of a launched job does."""
    job = structure(rank.config["job"], Job, what="the job")
    ended = supervise(rank.library, job, rank.progress, rank)
    if ended is not None:
        write_whole(Path(job.folder) / "outcome.json", attrs.asdict(ended))
