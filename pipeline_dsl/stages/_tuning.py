"""What stages that fine-tune a model have in common: their optimizer and their machine."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from pipeline_dsl.base.flops import forward_flops
from pipeline_dsl.base.units import Flops
from pipeline_dsl.lang.artifact import Artifact
from pipeline_dsl.lang.fields import Count, Fraction, NonNegative, Positive, Whole, execution
from pipeline_dsl.lang.size import Size
from pipeline_dsl.lang.stage import Problem, Stage
from pipeline_dsl.lang.workspace import Workspace

if TYPE_CHECKING:
    from pipeline_dsl.ml.finetuning import Tuning

A_co = TypeVar("A_co", bound=Artifact, covariant=True)


class FineTuning(Stage[A_co]):
    """AdamW with linear warm-up and cosine decay, by TRL; on DeepSpeed where there is more than one process."""

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
    precision: Literal["bf16", "fp32"] = "bf16"
    zero_stage: Literal[0, 1, 2, 3] = 2
    """What DeepSpeed divides between processes: nothing, optimizer state, gradients too, weights too."""
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
        rows = self.processes * (self.micro_batch or 1)
        if self.batch % rows:
            each = f" x {self.micro_batch} rows" if self.micro_batch else ""
            help = f"take a multiple of {rows}, such as {-(-self.batch // rows) * rows}"
            yield Problem("batch", f"{self.batch} rows do not divide into {self.processes} processes{each}", help)
        if self.warmup >= 1:
            yield Problem("warmup", "the learning rate would rise to the end and never fall", "0.01 to 0.1 is usual")

    def forward(self, model: Size, tokens: float) -> Flops | None:
        """One pass of a model over so many tokens; None where the model's shape is unknown."""
        shape = model.model
        if shape is None:
            return None
        return forward_flops(
            shape.matmul_parameters, tokens, layers=shape.layers, attention_width=shape.attention_width, length=self.tokens_per_row
        )

    def tuning(self, work: Workspace, base: Path, rows: Any, *, name: str = "run", output: Path | None = None, **more: Any) -> "Tuning":
        """What the trainer is told; `rows` are columns, which are put into `work.scratch`."""
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
            "zero_stage": self.zero_stage,
            "save_every": self.save_every,
            "seed": work.seed,
            "threads": max(1, work.threads // self.processes),
            "max_length": self.max_length,
        }
        return Tuning(**{**told, **more})
