"""What stages that fine-tune a model have in common: their optimizer and their machine."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

from pipeline_dsl.base.flops import adapter_flops
from pipeline_dsl.lang.adapter import Lora, adapter_parameters
from pipeline_dsl.lang.artifact import Artifact
from pipeline_dsl.lang.fields import Count, Fraction, NonNegative, Positive, Whole, execution
from pipeline_dsl.lang.parallel import Parallel
from pipeline_dsl.lang.placement import Attention, Offload, Recompute, Scores, TrainingPlacement
from pipeline_dsl.lang.size import Size, Work
from pipeline_dsl.lang.stage import Problem, Stage
from pipeline_dsl.lang.workspace import Workspace
from pipeline_dsl.stages._division import refuse_undivided

if TYPE_CHECKING:
    from pipeline_dsl.ml.finetuning import Tuning

AT_ONCE = 128
"""Answers that are written together, as `ml/sampling.py` does."""

A_co = TypeVar("A_co", bound=Artifact, covariant=True)


class FineTuning(Stage[A_co]):
    """AdamW with linear warm-up and cosine decay, by TRL; on DeepSpeed where there is more than one process."""

    dimensions: ClassVar[tuple[str, ...]] = ()
    """Ways of `parallel` that its engine can divide a model in, such as `("tensor", "pipeline")`: DeepSpeed here has none, only
    copies. A subclass that trains on another engine names its own."""

    epochs: Count = 1
    batch: Count = 32
    """Rows of one optimizer step, on all processes together."""
    micro_batch: Count | None = None
    """Rows of one forward pass on one process; without one, as many as a step needs."""
    learning_rate: Positive
    warmup: Fraction = 0.05
    """Share of the steps."""
    weight_decay: NonNegative = 0.0
    clip: Positive = 1.0
    """Largest norm of a gradient."""
    precision: Literal["bf16", "fp16", "fp32"] = "bf16"
    zero_stage: Literal[0, 1, 2, 3] = 2
    """What DeepSpeed divides between processes: nothing, optimizer state, gradients too, weights too."""
    parallel: Parallel = Parallel()
    """How one copy of the model is divided; `processes` over its devices is the number of copies."""
    offload: Offload = "none"
    """What waits in the host's memory between steps."""
    recompute: Recompute = "none"
    """Activations that the backward pass makes again, for memory."""
    attention: Attention = "sdpa"
    """The kernel that attention runs on."""
    processes: Count = 1
    max_length: Count = 1024
    """Tokens of a row."""
    tokens_per_row: Count = 256
    """What the estimate of the cost assumes; rows are as long as they are."""
    save_every: Whole = execution(default=200)
    """Steps between checkpoints; 0 for none."""
    seed: int | None = None

    def cores(self) -> int:
        return self.processes

    def problems(self) -> Iterator[Problem]:
        copies = self.processes // self.parallel.copy if self.parallel.copy > 1 else self.processes
        rows = max(1, copies) * (self.micro_batch or 1)
        whole = self.processes % max(1, self.parallel.copy) == 0  # if not, there is no number of copies to divide by
        if whole and self.batch % rows:
            each = f" x {self.micro_batch} rows" if self.micro_batch else ""
            into = f"{self.processes} processes" if self.parallel.copy <= 1 else f"{copies} copies of the model"
            help = f"take a multiple of {rows}, such as {-(-self.batch // rows) * rows}"
            yield Problem("batch", f"{self.batch} rows do not divide into {into}{each}", help)
        if self.warmup >= 1:
            yield Problem("warmup", "the learning rate would rise to the end and never fall", "0.01 to 0.1 is usual")

    def placed(self, base: Size, *, rows: int = 1, reference: int = 0, scores: Scores = "chunked") -> TrainingPlacement | None:
        """How a model of `base`'s size lies on the processes while it learns; None where its shape is unknown.

        `rows` is how many sequences one row is: a pair is two. One process alone does not use DeepSpeed, unless it offloads.
        """
        if base.model is None:
            return None
        copies = max(1, self.processes // max(1, self.parallel.copy))
        micro_batch = self.micro_batch or max(1, self.batch // copies)
        return TrainingPlacement(
            model=base.model,
            processes=self.processes,
            rows=rows * micro_batch,
            length=self.max_length,
            batch=self.batch,
            micro_batch=micro_batch,
            zero_stage=self.zero_stage if self.processes > 1 or self.offload != "none" else 0,
            precision=self.precision,
            offload=self.offload,
            recompute=self.recompute,
            attention=self.attention,
            parallel=self.parallel,
            lora=getattr(self, "lora", None),
            reference=reference,
            scores=scores,
            fused=not type(self).__module__.startswith("pipeline_dsl."),  # an engine that we have not measured
        )

    def effort(self, model: Size, passes: float, rows: float | None, *, lora: Lora | None = None) -> Work:
        """`passes` forward passes' worth over so many rows; unknown where the rows are not counted, or the model's shape is unknown.

        With `lora`, the adapter's own matrices are trained on top.
        """
        if model.model is None or rows is None:
            return Work(unknown="the model's size" if model.model is None else "how many rows there are before they are made")
        tokens = rows * self.tokens_per_row
        done = Work.passes(
            model.model,
            passes,
            tokens=tokens,
            length=self.tokens_per_row,
            precision=self.precision,
            attention=self.attention,
            recompute=self.recompute,
            padded=True,
            assumed=f"rows of {self.tokens_per_row} tokens",
        )
        if lora is None:
            return done
        return done + Work(flops=adapter_flops(adapter_parameters(model.model.sent, lora), tokens))

    def answers(self, model: Size, prompts: float | None, longest: int, at_once: int) -> Work:
        """An answer to each prompt, as long as it may get, `at_once` of them under way."""
        if model.model is None or not prompts:
            return Work()
        prompt = max(1, self.tokens_per_row - longest)
        bits = 32 if self.precision == "fp32" else 16
        return Work.writing(
            model.model,
            tokens=prompts * longest,
            at_once=min(at_once, prompts),
            prompt=prompt,
            answer=longest,
            bits=bits,
            precision=self.precision,
            padded=True,
        )

    def row_length(self, base: Path) -> int:
        """Tokens of a row at most: `max_length`, or the context of the model in `base` where that is less."""
        from pipeline_dsl.ml.starting import context_of

        return min(self.max_length, context_of(base) or self.max_length)

    def tuning(self, work: Workspace, base: Path, rows: Any, *, name: str = "run", output: Path | None = None, **more: Any) -> "Tuning":
        """What the trainer is told; `rows` are columns, which are put into `work.scratch`."""
        refuse_undivided(self.parallel, type(self).dimensions)
        from pipeline_dsl.ml.finetuning import Tuning
        from pipeline_dsl.ml.rank import write_whole

        folder = work.scratch / name
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / "rows.json", rows)
        told: dict[str, Any] = {
            "base": str(base),
            "rows": str(folder / "rows.json"),
            "folder": str(folder),
            "output": str(output or work.output),
            "epochs": self.epochs,
            "batch": self.batch,
            "micro_batch": self.micro_batch or self.batch // self.processes,
            "learning_rate": self.learning_rate,
            "warmup": self.warmup,
            "weight_decay": self.weight_decay,
            "clip": self.clip,
            "bf16": self.precision == "bf16",
            "fp16": self.precision == "fp16",
            "zero_stage": self.zero_stage,
            "offload": self.offload,
            "recompute": self.recompute,
            "attention": self.attention,
            "save_every": self.save_every,
            "seed": work.seed,
            "threads": max(1, work.threads // self.processes),
            "max_length": self.row_length(base),
        }
        return Tuning(**{**told, **more})
