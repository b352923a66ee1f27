"""Weights in 4 bits by AWQ, with what that cost."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Literal

from pipeline_dsl.base.flops import LOOKING
from pipeline_dsl.base.units import Seconds
from pipeline_dsl.lang.artifacts import CausalModel, Chats, Corpus, EvalSuite, QuantizedModel
from pipeline_dsl.lang.fields import Count, held_out
from pipeline_dsl.lang.placement import Placement, ServingPlacement
from pipeline_dsl.lang.size import Size, Sizes, Work
from pipeline_dsl.lang.stage import Problem, Ref, Stage
from pipeline_dsl.lang.workspace import Workspace
from pipeline_dsl.stages.evaluate import FILLED, Task

if TYPE_CHECKING:
    from pipeline_dsl.ml.awq import Scheme

SEARCH = 30
"""Forward passes over the calibration rows that the search for scales takes: 20 grid points, each through about 1.5 times the layers."""

START = Seconds(15)
"""Importing the libraries, loading, packing and writing a small model."""


class Quantize(Stage[QuantizedModel]):
    """Round a model's weights for the `runtime` that will serve it, and measure what changed on held-out questions.

    The accuracy delta is paired: the 16-bit and the quantized model answer the same documents. The divergence is the mean
    KL(16-bit || quantized) a token on those documents, which moves long before accuracy does.
    """

    model: Ref[CausalModel]
    calibration: Ref[Chats | Corpus]
    suite: Ref[EvalSuite] = held_out()
    tasks: tuple[Task, ...]
    """The questions of the suite that the delta is measured on."""
    runtime: Literal["compressed-tensors", "tensorrt-llm"] = "compressed-tensors"
    """`compressed-tensors` is loaded by transformers on any CPU, and by vLLM; `tensorrt-llm` needs a GPU."""
    method: Literal["awq", "rtn"] = "awq"
    """`rtn` only rounds: it needs no search, and is what AWQ should beat."""
    bits: Literal[4] = 4
    group: Count = 128
    """Input channels that share a scale; every layer's width must be a multiple of it."""
    samples: Count = 128
    """Calibration rows."""
    length: Count = 512
    """Tokens in a calibration row."""
    documents: Count = 200
    """Documents of each task that are asked, at most."""
    rows: Count = 128
    """Documents on which the divergence is measured, at most."""
    batch: Count = 32
    seed: int | None = None
    """Draws the calibration rows."""

    def size(self, sizes: Sizes) -> Size:
        return Size(model=sizes[self.model].model, bits=self.bits)

    def placement(self, sizes: Sizes) -> Placement | None:
        """The 16-bit model that is rounded, over all devices, and one calibration row."""
        model = sizes[self.model].model
        return None if model is None else ServingPlacement(model=model, devices=None, rows=1, length=self.length)

    def cost(self, sizes: Sizes) -> Work:
        model = sizes[self.model].model
        if model is None:
            return Work(seconds=START, unknown="the model's size")
        passes = SEARCH if self.method == "awq" else 0
        calibration = passes * self.samples * self.length
        asked = 2 * (len(self.tasks) * self.documents + self.rows) * FILLED * model.context  # by both models
        searched = Work.passes(model, LOOKING, tokens=calibration, length=self.length)
        return searched + Work.passes(model, LOOKING, tokens=asked, length=FILLED * model.context) + Work(seconds=START)

    def problems(self) -> Iterator[Problem]:
        if not self.tasks:
            yield Problem("tasks", "without tasks there is no accuracy to compare", "name at least one: `tasks=(Task(name=...),)`")
        if self.group % 8:
            yield Problem("group", f"{self.group} channels do not fill whole 32-bit words", "write a multiple of 8; 128 is usual")

    def asked(self, metric: str, sizes: Sizes) -> int | None:
        known = sizes[self.suite]
        each = [known.tasks.get(task.name, known.examples) for task in self.tasks]
        return sum(min(self.documents, self.documents if count is None else count) for count in each)

    def measures(self) -> Iterable[str]:
        return ("quantization_accuracy_delta", "quantization_kl")

    def run(self, work: Workspace) -> QuantizedModel:
        from pipeline_dsl.ml.awq import Scheme, refuse_unfit
        from pipeline_dsl.ml.calibration import calibration_rows
        from pipeline_dsl.ml.causal import load_causal
        from pipeline_dsl.ml.distortion import encode, paired_delta, token_divergence, written
        from pipeline_dsl.ml.harness import Question, Settings, ask, task_configs

        scheme = Scheme(method=self.method, bits=self.bits, group=self.group)
        source, tokenizer = load_causal(work, work.path(self.model), "bfloat16")
        refuse_unfit(source, scheme)
        source_size = 2 * sum(parameter.numel() for parameter in source.parameters())
        configs = task_configs(work.path(self.suite), work.scratch)
        questions = tuple(dict.fromkeys(Question(task=task.name, shots=task.shots, chat=task.chat) for task in self.tasks))
        settings = Settings(batch=self.batch, limit=self.documents)
        before = ask(work, source, tokenizer, configs, questions, settings)
        length = min(self.length, source.config.max_position_embeddings)
        calibration = calibration_rows(
            work.path(self.calibration), work.meta(self.calibration), tokenizer, samples=self.samples, length=length, seed=work.seed
        )
        quantized = self._quantize(work, calibration, scheme)
        after = ask(work, quantized, tokenizer, configs, questions, settings)
        delta = paired_delta(before, after, {task.name: before[task.name].key(task.name, task.source) for task in self.tasks})
        held = encode(tokenizer, written(before), rows=self.rows, context=source.config.max_position_embeddings)
        kl = token_divergence(work, source, quantized, held)
        return QuantizedModel(
            method=self.method,
            bits=self.bits,
            group=self.group,
            runtime=self.runtime,
            source=work.digest(self.model),
            calibration=work.digest(self.calibration),
            accuracy_delta=delta,
            kl=kl,
            size=sum(file.stat().st_size for file in work.output.glob("*.safetensors")),
            source_size=source_size,
        )

    def _quantize(self, work: Workspace, calibration: list[list[int]], scheme: "Scheme") -> Any:
        """The quantized model, read back from the files that were written: a fault in the packing shows in what is measured."""
        from pipeline_dsl.ml.awq import compress, pack_for_tensorrt
        from pipeline_dsl.ml.causal import load_causal

        model, tokenizer = load_causal(work, work.path(self.model), "bfloat16")
        pack = pack_for_tensorrt if self.runtime == "tensorrt-llm" else compress
        pack(work, model, calibration, scheme, work.output)
        tokenizer.save_pretrained(work.output)
        return load_causal(work, work.output)[0]
