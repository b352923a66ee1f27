"""What stages that train from fresh weights have in common: their data, their optimizer, their machine."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

from pipeline_dsl.base.fault import StageFailed, WrongArtifact
from pipeline_dsl.base.flops import LOOKING, TRAINING
from pipeline_dsl.lang.architecture import Llama
from pipeline_dsl.lang.artifact import Artifact
from pipeline_dsl.lang.artifacts import Dataset, Tokenizer
from pipeline_dsl.lang.fields import Count, Fraction, NonNegative, Positive, execution, held_out
from pipeline_dsl.lang.parallel import Parallel
from pipeline_dsl.lang.placement import Attention, Offload, Recompute, TrainingPlacement
from pipeline_dsl.lang.size import Sizes, Work
from pipeline_dsl.lang.stage import Problem, Ref, Stage
from pipeline_dsl.lang.workspace import Workspace
from pipeline_dsl.stages._division import refuse_undivided

if TYPE_CHECKING:
    from pipeline_dsl.ml.recipe import Recipe

A_co = TypeVar("A_co", bound=Artifact, covariant=True)


class Training(Stage[A_co]):
    """AdamW with linear warm-up and cosine decay, on DeepSpeed.

    Where the data has fewer tokens than are asked for, it is passed over again, in another order.
    """

    dimensions: ClassVar[tuple[str, ...]] = ()
    """Ways of `parallel` that its engine can divide a model in, such as `("tensor", "pipeline")`: DeepSpeed here has none, only
    copies. A subclass that trains on another engine names its own."""

    data: Ref[Dataset]
    validation: Ref[Dataset] = held_out()
    tokenizer: Ref[Tokenizer]
    tokens: Count
    """Seen by a model in one run; what does not fill a batch is left out."""
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
    precision: Literal["bf16", "fp16", "fp32"] = "bf16"
    """bf16 keeps fp32 weights in the optimizer. A CPU without bf16 arithmetic is many times slower in it than in fp32."""
    zero_stage: Literal[0, 1, 2, 3] = 1
    """What is divided between processes: nothing, optimizer state, gradients too, weights too."""
    parallel: Parallel = Parallel()
    """How one copy of the model is divided; `processes` over its devices is the number of copies."""
    offload: Offload = "none"
    """What waits in the host's memory between steps."""
    recompute: Recompute = "none"
    """Activations that the backward pass makes again, for memory."""
    attention: Attention = "sdpa"
    """The kernel that attention runs on."""
    processes: Count = 1
    """With `threads`, this decides in which order numbers are summed, and so the last bits of the weights."""
    threads: Count = 1
    """Cores of one process."""
    ranks: Count | None = execution(default=None)
    """Processes that really run, where a smaller or larger machine is at hand than `processes` counts on: the same steps on the same
    rows, but for the last bits. A killed attempt goes on from its checkpoint, whatever number of them wrote it."""
    validate_every: Count = 100
    """Steps; the last one is always validated."""
    validate_on: Count = 256
    """Rows, spread evenly over the held-out ones."""
    save_every: Count = execution(default=500)
    """Steps between checkpoints, of which two are kept."""
    seed: int | None = None

    def cores(self) -> int:
        return self.running * self.threads

    @property
    def running(self) -> int:
        """How many processes run."""
        return self.ranks or self.processes

    def problems(self) -> Iterator[Problem]:
        copies = self.running // self.parallel.copy if self.parallel.copy > 1 else self.running
        rows = max(1, copies) * (self.micro_batch or 1)
        whole = self.running % max(1, self.parallel.copy) == 0  # if not, there is no number of copies to divide by
        if whole and self.batch % rows:
            each = f" x {self.micro_batch} rows" if self.micro_batch else ""
            into = f"{self.running} processes" if self.parallel.copy <= 1 else f"{copies} copies of the model"
            help = f"take a multiple of {rows}, such as {-(-self.batch // rows) * rows}"
            yield Problem("batch", f"{self.batch} rows do not divide into {into}{each}", help)
        if self.tokens < self.batch:
            yield Problem("tokens", f"{self.tokens} tokens are less than one batch of {self.batch} rows", "raise `tokens`")
        if self.precision == "bf16" and self.zero_stage == 0 and not type(self).dimensions:  # other engines keep fp32 weights
            help = "zero_stage=1 keeps fp32 weights beside them, also on one process"
            yield Problem("zero_stage", "without ZeRO, bf16 weights are all there is, and small updates round to nothing", help)
        if self.warmup >= 1:
            yield Problem("warmup", "the learning rate would rise to the end and never fall", "0.01 to 0.1 is usual")
        if not all(0 <= beta < 1 for beta in self.betas):
            yield Problem("betas", f"{self.betas} are not shares below 1", "betas=(0.9, 0.95) is usual")

    def model_problems(self, field: str, model: Llama) -> Iterator[Problem]:
        """What keeps `model`, the value of `field`, from being a model."""
        for fault in model.problems():
            yield Problem(field, fault, "give the numbers of a model that somebody has trained, such as its `config.json` says them")

    def placed(self, sizes: Sizes, model: Llama) -> TrainingPlacement | None:
        """How `model` lies on the processes while it trains; None where nobody said how long its rows are."""
        data = sizes[self.data]
        told: Any = getattr(self.data, "length", None)
        length = told if isinstance(told, int) else round(data.tokens / data.examples) if data.tokens and data.examples else None
        if length is None:
            return None
        rows = self.micro_batch or max(1, self.batch // max(1, self.running // max(1, self.parallel.copy)))
        return TrainingPlacement(
            model=model,
            processes=self.running,
            rows=rows,
            length=length,
            batch=self.batch,
            micro_batch=rows,
            zero_stage=self.zero_stage,
            precision=self.precision,
            offload=self.offload,
            recompute=self.recompute,
            attention=self.attention,
            parallel=self.parallel,
            fused=not type(self).__module__.startswith("pipeline_dsl."),  # an engine that we have not measured
        )

    def effort(self, sizes: Sizes, model: Llama) -> Work:
        """A run of `model`: training, and each validation's forward pass."""
        data = sizes[self.data]
        length = data.tokens / data.examples if data.tokens and data.examples else model.context
        steps = self.tokens / (self.batch * length)
        validated = (steps / self.validate_every + 1) * self.validate_on * length
        how = {"precision": self.precision, "attention": self.attention, "recompute": self.recompute}
        training = Work.passes(model, TRAINING, tokens=self.tokens, length=length, **how)
        return training + Work.passes(model, LOOKING, tokens=validated, length=length, **how)

    def recipe(self, work: Workspace, model: Llama) -> "Recipe":
        """What the ranks are told, with the data unpacked into `work.scratch`.

        Raises: StageFailed, WrongArtifact where the inputs do not fit the declaration.
        """
        refuse_undivided(self.parallel, type(self).dimensions)
        from pipeline_dsl.ml.models import special_tokens
        from pipeline_dsl.ml.recipe import Recipe

        for library in ("numpy", "pyarrow"):  # the ranks note the rest, which would take seconds to import here as well
            work.library(library)
        length = work.meta(self.data).length
        steps = self.tokens // (self.batch * length)
        if not steps:
            raise StageFailed(f"{self.tokens} tokens are less than a batch of {self.batch} rows of {length}", help="raise `tokens`")
        return Recipe(
            model=model,
            train=_unpacked(work, self.data, model),
            validation=_unpacked(work, self.validation, model),
            special=special_tokens(work.path(self.tokenizer)),
            steps=steps,
            batch=self.batch,
            micro_batch=self.micro_batch or self.batch // self.running,
            learning_rate=self.learning_rate,
            warmup=round(self.warmup * steps),
            floor=self.floor,
            weight_decay=self.weight_decay,
            clip=self.clip,
            betas=self.betas,
            spread=self.spread,
            bf16=self.precision == "bf16",
            fp16=self.precision == "fp16",
            zero_stage=self.zero_stage,
            offload=self.offload,
            recompute=self.recompute,
            attention=self.attention,
            validate_every=self.validate_every,
            validate_on=self.validate_on,
            save_every=self.save_every,
            seed=work.seed,
            threads=self.threads,
        )


def _unpacked(work: Workspace, ref: Ref[Dataset], model: Llama) -> str:
    from pipeline_dsl.ml.rows import unpack

    meta = work.meta(ref)
    if meta.length > model.context:
        help = f"pack rows of at most {model.context} tokens, or declare context={meta.length}"
        raise WrongArtifact(f"rows have {meta.length} tokens, the model's context is {model.context}", help=help)
    file = work.scratch / f"{work.digest(ref).rpartition(':')[2][:16]}.npy"
    if not file.exists():
        unpack(work.path(ref), Path(file), rows=meta.rows, length=meta.length, vocabulary=model.vocabulary)
    return str(file)
