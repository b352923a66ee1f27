"""The items of evaluation data, one by one: a question of a suite, a document, a pair, a prompt."""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import attrs

from pipeline_dsl.base.fault import WrongArtifact
from pipeline_dsl.stages.cleaning.encoding import encodable
from pipeline_dsl.stages.matching.texts import Data, reader, rows

if TYPE_CHECKING:
    from pipeline_dsl.ml.wanted import Wanted

FEWEST = 3
"""Words that an item needs to be recognized by; "yes" says nothing."""
SHORTEST = 6
"""Letters and digits that it needs."""
TOGETHER = 1000
"""Items whose texts are folded at once."""


@attrs.frozen
class Item:
    """One item: the set that it belongs to, its id or its number there, and what it says."""

    set: str
    name: str
    texts: tuple[str, ...]


def suite_items(name: str, folder: Path, scratch: Path) -> Iterator[Item]:
    """The documents of a suite's tasks, each task a set called `name/task`.

    An item's texts are all that its document holds; where the task names one by `doc_to_decontamination_query`, that one. The
    prompt that a task puts around them is no part: all its items share it, and perhaps much of the training data.

    Raises: WrongArtifact.
    """
    from pipeline_dsl.ml.harness import task_configs

    for task, config in task_configs(folder, scratch).items():
        number = 0
        for file in _tested(task, config):
            for document in _documents(file, config["dataset_kwargs"].get("field")):
                yield Item(f"{name}/{task}", str(number), tuple(map(_clean, _asked(config, document))))
                number += 1


def data_items(name: str, folder: Path, kind: type[Data]) -> Iterator[Item]:
    """The rows of held-out data; what a system message says is no part of them, since all rows share it.

    Raises: WrongArtifact.
    """
    read = reader(kind)
    at = 0
    for file in sorted(folder.glob("*.jsonl")):
        for number, row in rows(file):
            try:
                texts = tuple(_clean(text.text) for text in read(row) if text.role != "system")
            except (KeyError, TypeError, AttributeError) as error:
                raise WrongArtifact(f"`{file.name}`, line {number + 1}, of `{name}` is no row of {kind.__name__}: {error!r}") from error
            yield Item(name, str(row.get("id", at)), texts)
            at += 1


def wanted(items: Sequence[Item], ngram: int, shortest: int) -> "Iterator[tuple[int, str, Wanted]]":
    """What to look for: (number of the item, one of its texts, what of that).

    Of each text with so many words, any `ngram` of them. Of an item without such a text, its longest: inside other texts if it has
    `shortest` words, as a whole text if it has fewer; nothing if it has next to none.
    """
    from pipeline_dsl.ml.wanted import Wanted, Words

    for begin in range(0, len(items), TOGETHER):
        said = [(number, text) for number in range(begin, min(begin + TOGETHER, len(items))) for text in dict.fromkeys(items[number].texts)]
        known = zip(said, Words.of([text for _, text in said]), strict=True)
        for number, group in groupby(known, key=lambda one: one[0][0]):
            texts = [(words, text) for (_, text), words in group]
            long = [(text, Wanted(words, ngram)) for words, text in texts if len(words) >= ngram]
            words, text = max(texts, key=lambda one: len(one[0].characters))
            if long:
                yield from ((number, text, one) for text, one in long)
            elif len(words) >= shortest:
                yield number, text, Wanted(words, len(words))
            elif len(words) >= FEWEST and len(words.characters) >= SHORTEST:
                yield number, text, Wanted(words.alone, len(words.alone))


def _clean(text: str) -> str:
    return encodable(text).replace("\0", " ")


def _tested(task: str, config: Mapping[str, Any]) -> list[Path]:
    """The files that a task is scored on: of its test split, or of its validation split where it has none."""
    files = config["dataset_kwargs"]["data_files"]
    split = config.get("test_split") or config.get("validation_split")
    if isinstance(files, Mapping):
        splits = cast("Mapping[str, Any]", files)
        if split not in splits:
            help = f"it has {', '.join(sorted(splits))}; name the one that is scored as `test_split`"
            raise WrongArtifact(f"task `{task}` is scored on a split `{split}` that it has no documents for", help=help)
        files = splits[str(split)]
    return [Path(file) for file in (cast("list[str]", files) if isinstance(files, list) else [files])]


def _documents(file: Path, field: str | None) -> Iterator[Mapping[str, Any]]:
    """The documents in a file as `datasets` reads it: JSON lines, a list, or a list under a field."""
    with file.open("rb") as stream:
        first = stream.read(64).lstrip()[:1]
    if field is None and first != b"[":
        yield from (row for _, row in rows(file))
        return
    try:
        whole = json.loads(file.read_bytes())
        found = whole[field] if field is not None else whole
    except (ValueError, KeyError, TypeError) as error:
        raise WrongArtifact(f"`{file.name}` holds no documents{f' under `{field}`' if field else ''}: {error!r}") from error
    if not isinstance(found, list) or not all(isinstance(document, dict) for document in cast("list[Any]", found)):
        raise WrongArtifact(f"`{file.name}` holds no list of documents")
    yield from cast("list[Mapping[str, Any]]", found)


def _asked(config: Mapping[str, Any], document: Mapping[str, Any]) -> Iterator[str]:
    query = str(config.get("doc_to_decontamination_query") or "").strip("{} ")
    return _strings(document.get(query, document))


def _strings(value: Any) -> Iterator[str]:
    """Every text in a document, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in cast("Mapping[str, Any]", value).values():
            yield from _strings(part)
    elif isinstance(value, list):
        for part in cast("list[Any]", value):
            yield from _strings(part)
