"""lm-eval on task files and documents that lie in one folder: nothing is fetched and no code in them runs."""

import functools
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import attrs
import yaml

from pipeline_dsl.base.fault import StageFailed, UnsafePath, WrongArtifact
from pipeline_dsl.lang.workspace import Workspace
from pipeline_dsl.ml.choices import prefix_sharing

BOOTSTRAP = 1000
"""Resamples for the standard error of a metric that is no plain mean; a mean's error is computed, not sampled."""


@attrs.frozen(kw_only=True)
class Question:
    """One task to run: its name in the suite, how many solved examples precede it, and whether it is asked as a chat."""

    task: str
    shots: int = 0
    chat: bool = False


@attrs.frozen(kw_only=True)
class Settings:
    """What decides an evaluation's numbers beside the model, the documents and the questions.

    `multiturn` gives solved examples as earlier turns of the chat, instead of inside one user turn; `seed` draws
    them. `limit` asks only the first documents of each task.
    """

    batch: int = 32
    limit: int | None = None
    system: str | None = None
    multiturn: bool = True
    seed: int = 1234


@attrs.frozen(kw_only=True)
class Answers:
    """What lm-eval found for one task.

    `values` has a metric's mean under `metric,filter` and its standard error under `metric_stderr,filter`; `samples` has one
    entry a document and filter, in the documents' order.
    """

    values: Mapping[str, float]
    samples: Sequence[Mapping[str, Any]]
    documents: int

    def key(self, task: str, source: str) -> str:
        """The one key of `values` that `source` (`acc`, or `exact_match,refused`) means.

        Raises: StageFailed if the task has no such metric, or several filters of it.
        """
        found = [key for key in self.values if (key == source or key.partition(",")[0] == source) and "_stderr," not in key]
        if len(found) == 1:
            return found[0]
        known = ", ".join(sorted(key for key in self.values if "_stderr," not in key))
        problem = f"measures `{source}` under several filters" if found else f"does not measure `{source}`"
        raise StageFailed(f"task `{task}` {problem}", help=f"set its `source` to one of: {known}")

    def stderr(self, key: str) -> float | None:
        """The standard error of `values[key]`."""
        metric, _, name = key.partition(",")
        return self.values.get(f"{metric}_stderr,{name}")


def task_configs(suite: Path, scratch: Path) -> dict[str, dict[str, Any]]:
    """The lm-eval configurations in `suite/*.yaml` by task name, their documents' paths made absolute.

    `scratch` takes the cache of `datasets`, which would otherwise lie in the home folder.
    Raises: WrongArtifact for a file that is no task on local JSON; UnsafePath for documents outside the suite.
    """
    found: dict[str, dict[str, Any]] = {}
    for file in sorted(suite.glob("*.yaml")):
        config = _read(file)
        name = str(config.get("task", file.stem))
        if name in found:
            raise WrongArtifact(f"`{file.name}` defines task `{name}` a second time")
        kwargs = dict(config.get("dataset_kwargs") or {})
        kwargs["data_files"] = _absolute(kwargs.get("data_files"), suite, file.name)
        kwargs["cache_dir"] = str(scratch / "datasets")
        found[name] = {**config, "task": name, "dataset_kwargs": kwargs}
    return found


def _read(file: Path) -> dict[str, Any]:
    try:
        config: Any = yaml.safe_load(file.read_text(encoding="utf-8"))  # also refuses `!function`, which would run code of the suite
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise WrongArtifact(
            f"`{file.name}` is not a plain task file: {error}", help="a suite holds data: no `!function`, no other tags"
        ) from error
    if not isinstance(config, dict):
        raise WrongArtifact(f"`{file.name}` is not a task file: it holds no mapping")
    config = cast("dict[str, Any]", config)
    if config.get("dataset_path") != "json":
        raise WrongArtifact(
            f"`{file.name}` reads `{config.get('dataset_path')}`, not local documents",
            help="write `dataset_path: json` with `dataset_kwargs: {data_files: {test: FILE.jsonl}}`",
        )
    return config


def _absolute(files: Any, suite: Path, owner: str) -> Any:
    """`data_files` as `datasets` takes it (a path, a list, or splits to either) with paths inside `suite` made absolute."""
    if isinstance(files, Mapping):
        splits = cast("Mapping[str, Any]", files)
        return {split: _absolute(part, suite, owner) for split, part in splits.items()}
    if isinstance(files, list):
        return [_absolute(part, suite, owner) for part in cast("list[Any]", files)]
    if not isinstance(files, str):
        raise WrongArtifact(f"`{owner}` names no documents", help="write `dataset_kwargs: {data_files: {test: FILE.jsonl}}`")
    path = Path(os.path.normpath(suite.absolute() / files))  # not resolved: an input's files are links into the store
    if not path.is_relative_to(os.path.normpath(suite.absolute())):
        raise UnsafePath(f"`{owner}` reads `{files}`, which lies outside the suite")
    if not path.is_file():
        raise WrongArtifact(f"`{owner}` reads `{files}`, which the suite does not hold")
    return str(path)


def ask(
    work: Workspace, model: Any, tokenizer: Any, configs: Mapping[str, dict[str, Any]], questions: Sequence[Question], settings: Settings
) -> dict[str, Answers]:
    """Put the `questions` to a transformers `model` and give the answers by task.

    Raises: StageFailed for a task that the suite does not have, or a chat with a tokenizer that has no template.
    """
    missing = sorted({question.task for question in questions} - configs.keys())
    if missing:
        raise StageFailed(f"the suite has no task {', '.join(missing)}", help=f"it has: {', '.join(sorted(configs)) or 'none'}")
    if any(question.chat for question in questions) and not tokenizer.chat_template:
        raise StageFailed(
            "a task is asked as a chat, but the model's tokenizer has no chat template", help="write `chat=False` for a base model"
        )
    base: Any = work.library("lm_eval.models.huggingface").HFLM
    language_model = prefix_sharing(work.library("torch"), base, work.progress)(
        pretrained=model, tokenizer=with_bos(work, tokenizer), batch_size=settings.batch, add_bos_token=True
    )
    answers: dict[str, Answers] = {}
    for chat in (False, True):
        batch = [question for question in questions if question.chat is chat]
        if batch:
            answers |= _evaluate(work, language_model, configs, batch, settings)
    return {question.task: answers[question.task] for question in questions}


def with_bos(work: Workspace, tokenizer: Any) -> Any:
    """The tokenizer, made to begin every text with its <bos>, as training rows begin.

    lm-eval leaves out the one that a chat template already wrote. Changes the object given, not its files.
    """
    ids: list[int] = tokenizer("a")["input_ids"]
    if ids[0] != tokenizer.bos_token_id:
        processors: Any = work.library("tokenizers").processors
        bos: str = tokenizer.bos_token
        template = processors.TemplateProcessing(
            single=f"{bos} $A", pair=f"{bos} $A {bos} $B", special_tokens=[(bos, tokenizer.bos_token_id)]
        )
        tokenizer.backend_tokenizer.post_processor = template
    return tokenizer


def compile_templates_once(utils: Any) -> None:
    """Let lm-eval keep the templates of task files that it compiled: it compiles them for each document, a fifth of the CPU time."""
    if not hasattr(utils.env.from_string, "cache_info"):
        utils.env.from_string = functools.cache(utils.env.from_string)


def _evaluate(
    work: Workspace, language_model: Any, configs: Mapping[str, dict[str, Any]], questions: Sequence[Question], settings: Settings
) -> dict[str, Answers]:
    work.library("lm_eval")
    compile_templates_once(work.library("lm_eval.utils"))
    evaluator: Any = work.library("lm_eval.evaluator")
    manager: Any = work.library("lm_eval.tasks").TaskManager(include_defaults=False)  # reading the built-in tasks takes 18 s
    loaded: Any = manager.load([{**configs[question.task], "num_fewshot": question.shots} for question in questions])
    for task in loaded["tasks"].values():
        task.set_fewshot_seed(seed=settings.seed)
    chat = questions[0].chat
    # not `simple_evaluate`: it describes the machine, which takes seconds and is no part of a result
    found: Any = evaluator.evaluate(
        lm=language_model,
        task_dict=loaded,
        limit=settings.limit,
        bootstrap_iters=BOOTSTRAP,
        log_samples=True,
        system_instruction=settings.system if chat else None,
        apply_chat_template=chat,
        fewshot_as_multiturn=settings.multiturn if chat else False,
    )
    return {question.task: _answers(found, question.task) for question in questions}


def _answers(found: Any, task: str) -> Answers:
    values = {
        key: float(value)
        for key, value in found["results"][task].items()
        if "," in key and not isinstance(value, str)  # a standard error that lm-eval does not know is the text `N/A`
    }
    samples = sorted(found["samples"][task], key=lambda sample: (sample["filter"], sample["doc_id"]))
    return Answers(values=values, samples=samples, documents=len({sample["doc_id"] for sample in samples}))
