"""Pre-training of one model by the Trainer of transformers on DeepSpeed: what each rank runs."""

import json
import math
import time
from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from pipeline_dsl.base.fault import StageFailed
from pipeline_dsl.ml import checkpoints, deepspeed, models, recomputation, regrouping, stopping
from pipeline_dsl.ml.rank import Rank
from pipeline_dsl.ml.recipe import Outcome, Recipe
from pipeline_dsl.ml.rows import IGNORED, Rows, batch


def train(rank: Rank, recipe: Recipe, folder: Path, *, output: Path | None, report: Callable[..., None]) -> Outcome:
    """Train from fresh weights, or from the last complete checkpoint in `folder`; rank 0 writes the model to `output`.

    `report` is called on every rank with a step and figures. Raises: StageFailed if the loss is no number any more.
    """
    rank.library("torch").set_num_threads(recipe.threads)
    deepspeed.join(rank)
    rank.library("accelerate")
    rank.library("transformers.utils.logging").disable_progress_bar()
    if recipe.bf16 and rank.rank == 0 and _emulates_bf16():
        print("this CPU has no bf16 arithmetic and emulates it: fp32 is many times faster here", flush=True)
    if rank.rank == 0:
        checkpoints.discard_incomplete(folder)
    import_module("torch.distributed").barrier()
    last, universal = regrouping.to_resume(folder, stage=recipe.zero_stage, rank=rank.rank, world=rank.world)
    arguments = _arguments(rank, recipe, folder, universal)  # before the model: ZeRO-3 divides weights as they are made
    model = models.llama(recipe.model, seed=recipe.seed, special=recipe.special, spread=recipe.spread)
    recomputation.prepare(model, recompute=recipe.recompute, attention=recipe.attention)
    parameters = recipe.model.parameters
    trainer = rank.library("transformers.trainer").Trainer(
        model=model,
        args=arguments,
        train_dataset=Rows(Path(recipe.train)),
        data_collator=partial(batch, pad=recipe.special.get("pad")),
    )
    trainer.remove_callback(import_module("transformers").PrinterCallback)
    watch = _watch(rank, recipe, trainer, report)
    trainer.add_callback(watch)
    trainer.train(resume_from_checkpoint=str(last) if last else None)
    deepspeed.prove(trainer.model_wrapped, stage=recipe.zero_stage, world=rank.world)
    stopping.refuse_unfinished(trainer.state.global_step, recipe.steps)
    if output is not None:
        state = trainer.accelerator.get_state_dict(trainer.model_wrapped)
        if rank.rank == 0:
            models.save(model, state, output)
    history = [entry for entry in trainer.state.log_history if "validation_loss" in entry]
    curve = tuple((int(entry["step"]), float(entry["validation_loss"])) for entry in history)
    return Outcome(parameters=parameters, curve=curve, tokens_per_second=watch.rate())


def _emulates_bf16() -> bool:
    torch: Any = import_module("torch")
    return not torch.cuda.is_available() and torch.backends.cpu.get_cpu_capability() in ("DEFAULT", "AVX2")


def _arguments(rank: Rank, recipe: Recipe, folder: Path, universal: bool) -> Any:
    torch: Any = import_module("torch")
    arguments: Any = import_module("transformers.training_args").TrainingArguments
    zero = deepspeed.divided(
        batch=recipe.batch,
        micro_batch=recipe.micro_batch,
        ranks=rank.world,
        stage=recipe.zero_stage,
        clip=recipe.clip,
        bf16=recipe.bf16,
        fp16=recipe.fp16,
        offload=recipe.offload,
        universal=universal,
    )
    if rank.rank == 0:
        print(f"deepspeed {json.dumps(zero)}", flush=True)
    return arguments(
        output_dir=str(folder),
        deepspeed=zero,
        use_cpu=not torch.cuda.is_available(),
        bf16=recipe.bf16,
        fp16=recipe.fp16,
        max_steps=recipe.steps,
        per_device_train_batch_size=recipe.micro_batch,
        gradient_accumulation_steps=zero["gradient_accumulation_steps"],
        average_tokens_across_devices=False,  # rows are equally long: nothing to agree on before each step
        learning_rate=recipe.learning_rate,
        lr_scheduler_type="cosine_with_min_lr",
        lr_scheduler_kwargs={"min_lr_rate": recipe.floor},
        warmup_steps=recipe.warmup,
        optim="adamw_torch_fused",
        adam_beta1=recipe.betas[0],
        adam_beta2=recipe.betas[1],
        weight_decay=recipe.weight_decay,
        max_grad_norm=recipe.clip,
        seed=recipe.seed,
        dataloader_drop_last=True,
        dataloader_num_workers=0,
        dataloader_pin_memory=False,
        remove_unused_columns=False,
        logging_steps=max(1, min(10, recipe.steps // 20)),
        logging_nan_inf_filter=False,  # by default a loss that is no number is logged as 0
        eval_strategy="no",
        save_strategy="steps" if recipe.save_every else "no",
        save_steps=recipe.save_every or recipe.steps,
        save_total_limit=2,
        report_to="none",
        disable_tqdm=True,
    )


def _watch(rank: Rank, recipe: Recipe, trainer: Any, report: Callable[..., None]) -> Any:
    """A callback that validates, reports, and seals checkpoints."""
    distributed: Any = import_module("torch.distributed")
    base: Any = import_module("transformers").TrainerCallback
    held_out = Rows(Path(recipe.validation))
    tokens = recipe.batch * trainer.train_dataset.ids.shape[1]

    class Watch(base):
        began = (0, 0.0)
        paused = 0.0
        figures: dict[str, float]

        def rate(self) -> float:
            step, clock = self.began
            return (trainer.state.global_step - step) * tokens / max(1e-9, time.monotonic() - clock - self.paused)

        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            deepspeed.prove(trainer.model_wrapped, stage=recipe.zero_stage, world=rank.world)
            self.began = (state.global_step, time.monotonic())
            self.figures = {}

        def on_log(self, args: Any, state: Any, control: Any, logs: Mapping[str, float], **_: Any) -> None:
            if "loss" not in logs:
                return
            loss = float(logs["loss"])
            if not math.isfinite(loss):
                help = "lower the learning rate, warm up for longer, or clip harder"
                raise StageFailed(f"the loss is {loss} at step {state.global_step}", help=help)
            self.figures |= {"loss": loss, "tokens_per_second": round(self.rate(), 1)}
            report(state.global_step, **self.figures)

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if state.global_step == recipe.steps:
                control.should_save = False  # resumed from its last step, the Trainer takes one more
            elif stopping.agreed(trainer.model_wrapped.device):
                control.should_save = control.should_training_stop = True
            if state.global_step % recipe.validate_every and state.global_step != recipe.steps:
                return
            start = time.monotonic()
            loss = validation_loss(rank, recipe, trainer.model_wrapped, held_out)
            state.log_history.append({"step": state.global_step, "validation_loss": loss})
            self.figures |= {"validation_loss": loss}
            report(state.global_step, **self.figures)
            self.paused += time.monotonic() - start

        def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            distributed.barrier()
            if rank.rank == 0:
                checkpoints.seal(Path(args.output_dir) / f"checkpoint-{state.global_step}")

    return Watch()


def validation_loss(rank: Rank, recipe: Recipe, model: Any, held_out: Rows) -> float:
    """Mean cross-entropy in nats a predicted token, over `validate_on` rows spread evenly over the held-out ones.

    Every rank takes an equal share of the rows, since under ZeRO-3 all must pass through the model equally often.
    Raises: StageFailed if there are fewer rows than ranks, or only padding.
    """
    torch: Any = import_module("torch")
    rows = min(recipe.validate_on, len(held_out)) // rank.world * rank.world
    chosen = [index * len(held_out) // rows for index in range(rank.rank, rows, rank.world)] if rows else []
    sums = torch.zeros(2, dtype=torch.float64)
    alone = {} if recipe.model.experts is None else {"output_router_logits": False}  # no balancing loss in what is measured
    model.eval()
    with torch.no_grad():
        for start in range(0, len(chosen), recipe.micro_batch):
            inputs = batch([held_out[index] for index in chosen[start : start + recipe.micro_batch]], recipe.special.get("pad"))
            inputs = {name: value.to(model.device) for name, value in inputs.items()}
            count = int((inputs["labels"][:, 1:] != IGNORED).sum())
            sums += torch.tensor([float(model(**inputs, **alone).loss) * count if count else 0.0, count], dtype=torch.float64)
    model.train()
    sums = sums.to(model.device)
    torch.distributed.all_reduce(sums)
    total, count = sums.tolist()
    if not count:
        raise StageFailed(f"{len(held_out)} validation rows give {rank.world} processes nothing to predict", help="hold more rows out")
    return total / count
