"""Log-probabilities of answers that are already written, and rewards of whole conversations."""

from collections.abc import Iterator, Sequence
from typing import Any

import attrs

from pipeline_dsl.lang.workspace import Workspace
from pipeline_dsl.ml.dialogue import Ids

BATCH = 64
"""Rows in a forward pass. More gains nothing on a core: its caches are full."""


@attrs.frozen
class Continuation:
    """An answer after its context, both as token ids."""

    context: Ids
    answer: Ids


@attrs.frozen
class AnswerBatch:
    """Continuations of about one length, with the distribution at each token of their answers.

    Shapes: `logits` [rows, time, vocabulary]; `tokens` and `mask` [rows, time], where `mask` is true at an answer's tokens,
    which stand at the end of each row. `places` says where the rows were in what was asked.
    """

    places: list[int]
    logits: Any
    tokens: Any
    mask: Any


def by_length(lengths: Sequence[int], batch: int = BATCH) -> Iterator[list[int]]:
    """Places in batches of similar length, the longest first."""
    order = sorted(range(len(lengths)), key=lambda place: (-lengths[place], place))
    for start in range(0, len(order), batch):
        yield order[start : start + batch]


def pad_left(torch: Any, rows: Sequence[Ids]) -> tuple[Any, Any, Any]:
    """(ids, attention mask, positions) of rows that all end at the right edge. Shapes: [rows, longest]."""
    width = max(map(len, rows))
    ids = torch.tensor([[0] * (width - len(row)) + list(row) for row in rows], dtype=torch.long)
    mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows], dtype=torch.long)
    return ids, mask, (mask.cumsum(-1) - 1).clamp(min=0)


def answer_batches(work: Workspace, models: Sequence[Any], asked: Sequence[Continuation]) -> Iterator[tuple[AnswerBatch, ...]]:
    """For each batch of `asked`, what each of `models` predicts at the answers' tokens; none of them learns from it.

    Padding goes to the left, so that the answers of a batch end together and only their logits are computed.
    """
    torch = work.library("torch")
    asked = list(asked)
    for places in by_length([len(item.context) + len(item.answer) for item in asked]):
        rows = [asked[place] for place in places]
        ids, attention, positions = pad_left(torch, [row.context + row.answer for row in rows])
        longest = max(len(row.answer) for row in rows)
        tokens = ids[:, ids.shape[1] - longest :]
        mask = torch.arange(longest)[None, :] >= torch.tensor([[longest - len(row.answer)] for row in rows])
        found: list[AnswerBatch] = []
        for model in models:
            with torch.inference_mode():
                inputs = {"input_ids": ids, "attention_mask": attention, "position_ids": positions}
                inputs = {name: tensor.to(model.device) for name, tensor in inputs.items()}
                logits = model(**inputs, use_cache=False, logits_to_keep=longest + 1).logits
            found.append(AnswerBatch(places, logits[:, :-1].float().cpu(), tokens, mask))
        yield tuple(found)


def answer_logprobs(work: Workspace, model: Any, asked: Sequence[Continuation]) -> list[float]:
    """The log-probability, in nats, of each answer as a whole after its context."""
    found = [0.0] * len(asked)
    for (batch,) in answer_batches(work, [model], asked):
        each = batch.logits.log_softmax(-1).gather(-1, batch.tokens[:, :, None])[:, :, 0]
        for place, total in zip(batch.places, (each * batch.mask).sum(-1).tolist(), strict=True):
            found[place] = total
    return found


def rewards(work: Workspace, model: Any, sequences: Sequence[Ids]) -> list[float]:
    """The score that a reward model gives each whole conversation."""
    torch = work.library("torch")
    found = [0.0] * len(sequences)
    for places in by_length([len(row) for row in sequences]):
        ids, mask, positions = pad_left(torch, [sequences[place] for place in places])
        with torch.inference_mode():
            inputs = {"input_ids": ids, "attention_mask": mask, "position_ids": positions}
            inputs = {name: tensor.to(model.device) for name, tensor in inputs.items()}
            scores = model(**inputs, use_cache=False).logits[:, 0]
        for place, score in zip(places, scores.float().tolist(), strict=True):
            found[place] = score
    return found
