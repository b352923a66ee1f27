"""Rows of token ids that show a model what it will read, from the data that it learnt from."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline_dsl.base.fault import StageFailed
from pipeline_dsl.lang.artifact import Artifact
from pipeline_dsl.lang.artifacts import Chats
from pipeline_dsl.ml.dialogue import read_chats
from pipeline_dsl.ml.documents import read


def calibration_rows(folder: Path, meta: Artifact, tokenizer: Any, *, samples: int, length: int, seed: int) -> list[list[int]]:
    """`samples` rows of `length` ids: conversations or documents in an order drawn by `seed`, one after the other, cut into rows.

    Raises: StageFailed if there is too little text.
    """
    rows: list[list[int]] = []
    open_row: list[int] = []
    for text in _texts(folder, meta, tokenizer, random.Random(seed)):
        open_row.extend(tokenizer(text, add_special_tokens=False)["input_ids"])
        while len(open_row) >= length:
            rows.append(open_row[:length])
            open_row = open_row[length:]
            if len(rows) == samples:
                return rows
    total = len(rows) * length + len(open_row)
    raise StageFailed(
        f"the calibration data holds {total:,} tokens, {samples} rows of {length} need {samples * length:,}",
        help="lower `samples` or `length`, or give more data",
    )


def _texts(folder: Path, meta: Artifact, tokenizer: Any, order: random.Random) -> Iterator[str]:
    if isinstance(meta, Chats):
        chats = read_chats(folder)
        order.shuffle(chats)
        yield from (tokenizer.apply_chat_template(chat, tokenize=False) for chat in chats)
    else:
        documents = list(read(folder))
        order.shuffle(documents)
        yield from (tokenizer.bos_token + document.text + tokenizer.eos_token for document in documents)
