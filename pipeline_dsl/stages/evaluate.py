"""Evaluation on held-out tasks, by lm-eval."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import attrs

from pipeline_dsl.base.canonical import spell
from pipeline_dsl.base.digest import digest_file
from pipeline_dsl.base.flops import LOOKING
from pipeline_dsl.base.units import Seconds
from pipeline_dsl.lang.artifacts import CausalModel, EvalReport, EvalSuite, QuantizedModel
from pipeline_dsl.lang.fields import Count, Whole, held_out
from pipeline_dsl.lang.gate import Better, Family, Metric
from pipeline_dsl.lang.measure import Score
from pipeline_dsl.lang.placement import Placement, ServingPlacement
from pipeline_dsl.lang.size import Sizes, Work
from pipeline_dsl.lang.stage import Problem, Ref, Stage
from pipeline_dsl.lang.workspace import Workspace

if TYPE_CHECKING:
    from pipeline_dsl.ml.harness import Answers

START = Seconds(10)
"""Importing the libraries and loading a small model."""

FILLED = 0.25
"""Share of the model's context that a question fills with its choices, where nobody knows better: a guess."""


PRECISION = {"float32": "fp32", "bfloat16": "bf16"}
"""What PyTorch's names are called elsewhere."""


@attrs.frozen(kw_only=True)
class Task:
    """One task of the suite, and the metric that gates know its score by.

    `name` is the task's in its file, `metric` the gate metric (the task's name, if none is given). `source` is what lm-eval calls
    the score: `acc`, `acc_norm`, or with a filter `exact_match,refused`. `chat` asks in the model's chat template; `shots` solved
    examples come first.
    """

    name: str
    metric: str | None = None
    source: str = "acc"
    unit: Literal["percent", "fraction"] = "percent"
    better: Better = "higher"
    family: Family = "capability"
    chat: bool = False
    shots: int = 0

    def measures(self) -> Metric:
        """The metric that this task gives."""
        return Metric(name=self.metric or self.name, unit=self.unit, better=self.better, family=self.family)

    def score(self, answers: "Answers") -> Score:
        """The task's score in its unit. lm-eval counts in fractions."""
        key = answers.key(self.name, self.source)
        scale = 100.0 if self.unit == "percent" else 1.0
        stderr = answers.stderr(key)
        return Score(value=scale * answers.values[key], samples=answers.documents, stderr=None if stderr is None else scale * stderr)


class Evaluate(Stage[EvalReport]):
    """Measure a model on held-out tasks; it learns nothing from them.

    `results.json` holds each task's scores, `samples.jsonl` what the model answered to each document.
    """

    model: Ref[CausalModel | QuantizedModel]
    suite: Ref[EvalSuite] = held_out()
    tasks: tuple[Task, ...]
    system: str | None = None
    """A system message for the tasks that are asked as a chat."""
    multiturn: bool = True
    """Solved examples come as earlier turns of the chat, not inside one."""
    shots_seed: Whole = 1234
    """Draws the solved examples; no part of the pipeline's seed, so that two runs are asked the same."""
    dtype: Literal["float32", "bfloat16"] = "float32"
    """What the weights are rounded to."""
    batch: Count = 32
    """Rows in a forward pass. Changes sums by rounding, and so is part of the result."""

    def placement(self, sizes: Sizes) -> Placement | None:
        """Weights over all devices, and the keys and values of one row: a smaller batch always leaves that to try."""
        model = sizes[self.model].model
        if model is None or sizes[self.model].bits is not None:
            return None
        return ServingPlacement(model=model, devices=None, rows=1, length=model.context, bits=32.0 if self.dtype == "float32" else 16.0)

    def cost(self, sizes: Sizes) -> Work:
        model, suite = sizes[self.model].model, sizes[self.suite]
        if model is None:
            return Work(seconds=START, unknown="the model's size")
        tokens = suite.tokens if suite.tokens is not None else int((suite.examples or 0) * FILLED * model.context)
        counted = "" if suite.tokens is not None else f"documents fill {100 * FILLED:.0f}% of the context"
        asked = Work.passes(
            model, LOOKING, tokens=tokens, length=FILLED * model.context, precision=PRECISION[self.dtype], padded=True, assumed=counted
        )
        return asked + Work(seconds=START, unknown="" if tokens else "how many documents the suite holds")

    def problems(self) -> Iterator[Problem]:
        if not self.tasks:
            yield Problem("tasks", "an evaluation without tasks measures nothing", "name at least one: `tasks=(Task(name=...),)`")
        names = [task.measures().name for task in self.tasks]
        for name in sorted({name for name in names if names.count(name) > 1}):
            yield Problem("tasks", f"two tasks give the metric `{name}`", "set `metric=` of one of them")
        asked: dict[str, Task] = {}
        for task in self.tasks:
            if task.shots < 0:
                yield Problem("tasks", f"task `{task.name}` has shots = {task.shots}", "write 0 or more")
            first = asked.setdefault(task.name, task)
            if (first.chat, first.shots) != (task.chat, task.shots):
                yield Problem("tasks", f"task `{task.name}` is asked in two ways", "give both entries the same `chat` and `shots`")

    def asked(self, metric: str, sizes: Sizes) -> int | None:
        suite = sizes[self.suite]
        task = next((task.name for task in self.tasks if task.measures().name == metric), "")
        return suite.tasks.get(task, suite.examples)

    def measures(self) -> Iterable[Metric]:
        return tuple(task.measures() for task in self.tasks)

    def run(self, work: Workspace) -> EvalReport:
        from pipeline_dsl.ml.causal import load_causal
        from pipeline_dsl.ml.harness import Question, Settings, ask, task_configs

        configs = task_configs(work.path(self.suite), work.scratch)
        model, tokenizer = load_causal(work, work.path(self.model), self.dtype)
        settings = Settings(batch=self.batch, system=self.system, multiturn=self.multiturn, seed=self.shots_seed)
        questions = tuple(dict.fromkeys(Question(task=task.name, shots=task.shots, chat=task.chat) for task in self.tasks))
        answers = ask(work, model, tokenizer, configs, questions, settings)
        write_samples(work.output / "samples.jsonl", answers)
        results = {task.measures().name: task.score(answers[task.name]) for task in self.tasks}
        report = EvalReport(model=work.digest(self.model), suite=work.digest(self.suite), results=results)
        _write_results(work.output / "results.json", self, report, answers)
        return report


def write_samples(path: Path, answers: "dict[str, Answers]") -> None:
    """What was answered to each document, one JSON object a line, in the order of tasks, filters and documents.

    Log-probabilities are rounded to six figures, which is more than they repeat to on another machine.
    """
    with path.open("wb") as stream:
        for task, answer in answers.items():
            for sample in answer.samples:
                line = {
                    "task": task,
                    "document": sample["doc_id"],
                    "filter": sample["filter"],
                    "prompt": sample["arguments"][0][0],
                    "target": _json(sample["target"]),
                    "answers": _json(sample["resps"]),
                    "filtered": _json(sample["filtered_resps"]),
                    "metrics": {name: _json(sample[name]) for name in sample["metrics"]},
                }
                stream.write(spell(line) + b"\n")


def _json(value: Any) -> Any:
    """lm-eval's values as JSON: numpy scalars as numbers, floats to six figures."""
    if isinstance(value, bool | str | int) or value is None:
        return value
    if isinstance(value, list | tuple):
        return [_json(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
    return float(f"{float(value):.6g}")


def _write_results(path: Path, stage: Evaluate, report: EvalReport, answers: "dict[str, Answers]") -> None:
    tasks = {
        task: {"documents": answer.documents, "values": {key: float(f"{value:.9g}") for key, value in sorted(answer.values.items())}}
        for task, answer in answers.items()
    }
    settings = {name: getattr(stage, name) for name in ("system", "multiturn", "shots_seed", "dtype", "batch")}
    asked = {task.name: {"chat": task.chat, "shots": task.shots} for task in stage.tasks}
    data = {
        "model": report.model,
        "suite": report.suite,
        "samples": digest_file(path.with_name("samples.jsonl")),
        "settings": settings,
        "tasks": {task: {**asked[task], **found} for task, found in tasks.items()},
        "metrics": {
            name: {"value": score.value, "stderr": score.stderr, "samples": score.samples} for name, score in report.results.items()
        },
    }
    path.write_text(json.dumps(data, indent=2, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
