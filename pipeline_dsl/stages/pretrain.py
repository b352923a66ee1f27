"""Pre-training of a Llama-style model on packed rows, by the Trainer of transformers on DeepSpeed."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pipeline_dsl.base.fault import StageFailed
from pipeline_dsl.base.flops import forward_flops, training_flops
from pipeline_dsl.base.units import Flops, Tokens
from pipeline_dsl.lang.architecture import Llama
from pipeline_dsl.lang.artifacts import Checkpoint, Dataset, ScalingLaw, Tokenizer
from pipeline_dsl.lang.fields import Count, Fraction, NonNegative, Positive, execution, held_out
from pipeline_dsl.lang.size import Size, Sizes, Work
from pipeline_dsl.lang.stage import Problem, Ref, Stage
from pipeline_dsl.lang.workspace import Workspace

if TYPE_CHECKING:
    from pipeline_dsl.ml.trainer import Recipe


class Pretrain(Stage[Checkpoint]):
    """Train a model from fresh weights to predict the next token.

    AdamW, linear warm-up, cosine decay. The step count is `tokens` over the tokens of a batch, rounded down; where the data
    has fewer tokens, it is passed over again in another order. A killed attempt goes on from its last complete checkpoint;
    in fp32 it ends in the very bits of an undisturbed one.

    `processes` and `threads` change the order in which gradients and products are summed, and so the last bits of the
    weights: they are identity, and a result is the same on any machine of one kind however many cores it has to spare.
    """

    data: Ref[Dataset]
    validation: Ref[Dataset] = held_out()
    tokenizer: Ref[Tokenizer]
    scaling: Ref[ScalingLaw] | None = None
    """A law that predicts the loss; the log compares it with what came out."""
    model: Llama
    tokens: Count
    batch: Count
    """Rows of one optimizer step, on all processes together."""
    micro_batch: Count | None = None
    """Rows of one forward pass on one process; without one, as many as a step needs."""
    learning_rate: Positive
    warmup: Fraction = 0.05
    """Share of the steps."""
    floor: Fraction = 0.1
    """The last learning rate as a share of the highest."""
    weight_decay: NonNegative = 0.1
    clip: Positive = 1.0
    """Largest norm of a gradient."""
    betas: tuple[float, float] = (0.9, 0.95)
    spread: Positive = 0.02
    """Standard deviation of fresh weights."""
    precision: Literal["bf16", "fp32"] = "bf16"
    """bf16 keeps fp32 weights in the optimizer. A CPU without bf16 arithmetic (AVX-512 or AMX) is many times slower in it."""
    zero_stage: Literal[0, 1, 2, 3] = 1
    """What is divided between processes: nothing, optimizer state, gradients too, weights too."""
    processes: Count = 1
    threads: Count = 1
    """Cores of one process."""
    validate_every: Count = 100
    """Steps; the last one is always validated."""
    validate_on: Count = 256
    """Rows, spread evenly over the held-out ones."""
    save_every: Count = execution(default=500)
    """Steps between checkpoints, of which two are kept."""
    seed: int | None = None

    def size(self, sizes: Sizes) -> Size:
        return Size(model=self.model, tokens=Tokens(self.tokens))

    def cost(self, sizes: Sizes) -> Work:
        length = row_length(sizes[self.data], self.model)
        steps = self.tokens / (self.batch * length)
        validated = (steps / self.validate_every + 1) * self.validate_on * length
        return Work(flops=Flops(training_flops(forward(self.model, self.tokens, length)) + forward(self.model, validated, length)))

    def problems(self) -> Iterator[Problem]:
        yield from model_problems("model", self.model, self.data, self.tokenizer)
        yield from batch_problems(self.batch, self.micro_batch, self.processes)
        yield from step_problems(self.warmup, self.betas)

    def run(self, work: Workspace) -> Checkpoint:
        from pipeline_dsl.ml import models, pretraining

        for library in ("torch", "deepspeed", "transformers", "accelerate"):
            work.version(library) if hasattr(work, "version") else None
        job = pretraining.Run(recipe=self._recipe(work), folder=str(work.scratch / "run"), output=str(work.output))
        models.copy_tokenizer(work.path(self.tokenizer), work.output)
        work.launch(pretraining.RUN, {"run": pretraining.config(job)}, processes=self.processes)
        ended = pretraining.outcome(Path(job.folder))
        if ended is None:
            raise StageFailed("training ended and left no outcome")
        loss = ended.curve[-1][1]
        if self.scaling is not None:
            print(compared(work.meta(self.scaling), self.model, loss), flush=True)
        return Checkpoint(
            parameters=ended.parameters,
            steps=job.recipe.steps,
            tokens=Tokens(job.recipe.steps * self.batch * work.meta(self.data).length),
            validation_loss=loss,
            loss_curve=ended.curve,
        )

    def _recipe(self, work: Workspace) -> "Recipe":
        from pipeline_dsl.ml.models import special_tokens
        from pipeline_dsl.ml.trainer import Recipe

        length = work.meta(self.data).length
        steps = step_count(self.tokens, self.batch, length)
        train, validation = unpacked(work, (self.data, self.validation), self.model)
        return Recipe(
            model=self.model,
            train=train,
            validation=validation,
            special=special_tokens(work.path(self.tokenizer)),
            steps=steps,
            batch=self.batch,
            micro_batch=self.micro_batch or self.batch // self.processes,
            learning_rate=self.learning_rate,
            warmup=round(self.warmup * steps),
            floor=self.floor,
            weight_decay=self.weight_decay,
            clip=self.clip,
            betas=self.betas,
            spread=self.spread,
            bf16=self.precision == "bf16",
            zero_stage=self.zero_stage,
            validate_every=self.validate_every,
            validate_on=self.validate_on,
            save_every=self.save_every,
            seed=work.seed,
            threads=self.threads,
        )
