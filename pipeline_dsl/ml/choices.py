"""Log-probabilities of several continuations of one context, computed in one row of a forward pass.

lm-eval repeats the context for each choice of a question. Here the context is read once, the choices follow it side by side, and
the attention mask keeps each from seeing the others; positions count on from the context for each of them. The numbers are those
of separate rows, to rounding.
"""

from collections.abc import Callable, Sequence
from typing import Any

import attrs

Ids = tuple[int, ...]
Progress = Callable[[int, int], None]

WIDTH = 128
"""Tokens of a row that continuations may always fill."""

WRITTEN = 4
"""Answers that are written together for each row that is read: a step of decoding sees one token of each."""


@attrs.frozen
class Row:
    """One context with its continuations; `requests` are the places of the continuations in the list that was asked."""

    context: Ids
    continuations: tuple[Ids, ...]
    requests: tuple[int, ...]

    @property
    def length(self) -> int:
        """Tokens that the model reads: a continuation's last token is only predicted."""
        return len(self.context) + sum(len(ids) - 1 for ids in self.continuations)

    @property
    def deepest(self) -> int:
        """The highest number of tokens that any one continuation stands behind or in."""
        return len(self.context) + max(map(len, self.continuations)) - 1


def rows_of(requests: Sequence[tuple[Any, list[int], list[int]]]) -> list[Row]:
    """lm-eval's requests (text, context ids, continuation ids), those of one context together, longest first.

    A row is filled up to `WIDTH` tokens, or to twice its context: attention is quadratic, and behind a short context there is
    little to share.
    """
    places: dict[Ids, list[int]] = {}
    for place, (_, context, _) in enumerate(requests):
        places.setdefault(tuple(context), []).append(place)
    rows: list[Row] = []
    for context, found in places.items():
        most = max(WIDTH, 2 * len(context))
        chosen: list[int] = []
        length = len(context)
        for place in found:
            more = len(requests[place][2]) - 1
            if chosen and length + more > most:
                rows.append(_row(requests, context, chosen))
                chosen, length = [], len(context)
            chosen.append(place)
            length += more
        rows.append(_row(requests, context, chosen))
    return sorted(rows, key=lambda row: (-row.length, row.requests))


def _row(requests: Sequence[tuple[Any, list[int], list[int]]], context: Ids, places: Sequence[int]) -> Row:
    return Row(context, tuple(tuple(requests[place][2]) for place in places), tuple(places))


def batch_of(torch: Any, rows: Sequence[Row]) -> tuple[Any, Any, Any]:
    """(ids, positions, mask) of rows, padded on the right.

    Shapes: ids and positions [rows, time]; mask [rows, 1, time, time], true where a query (third axis) sees a key (fourth).
    """
    width = max(row.length for row in rows)
    ids = torch.zeros(len(rows), width, dtype=torch.long)
    positions = torch.zeros(len(rows), width, dtype=torch.long)
    segments = torch.full((len(rows), width), -1, dtype=torch.long)  # 0 is the context, 1.. its continuations, -1 padding
    for index, row in enumerate(rows):
        at = 0
        for segment, tokens in enumerate((row.context, *(ids[:-1] for ids in row.continuations))):
            end = at + len(tokens)
            first = len(row.context) if segment else 0
            ids[index, at:end] = torch.tensor(tokens, dtype=torch.long)
            positions[index, at:end] = torch.arange(first, first + len(tokens))
            segments[index, at:end] = segment
            at = end
    same = segments[:, :, None] == segments[:, None, :]
    causal = torch.ones(width, width, dtype=torch.bool).tril()
    return ids, positions, ((same | (segments == 0)[:, None, :]) & causal)[:, None]


def row_answers(torch: Any, row: Row, logits: Any) -> list[tuple[float, bool]]:
    """(sum of log-probabilities in nats, whether greedy decoding would write it) of each continuation.

    Shapes: `logits` [time, vocabulary], those of `row` and perhaps of padding.
    """
    answers: list[tuple[float, bool]] = []
    last, at = len(row.context) - 1, len(row.context)
    for ids in row.continuations:
        own = logits[[last, *range(at, at + len(ids) - 1)]].float().log_softmax(-1)
        wanted = torch.tensor(ids, dtype=torch.long, device=own.device)
        answers.append((float(own.gather(-1, wanted[:, None]).sum()), bool((own.argmax(-1) == wanted).all())))
        at += len(ids) - 1
    return answers


def can_share(config: Any) -> bool:
    """Whether a model's attention is plain causal attention that takes a mask of our own."""
    kinds: set[str] = set(getattr(config, "layer_types", None) or ("full_attention",))
    windowed = getattr(config, "sliding_window", None) and getattr(config, "use_sliding_window", True)
    implementation: str = getattr(config, "_attn_implementation", "")
    return kinds == {"full_attention"} and not windowed and implementation == "sdpa"


def prefix_sharing(torch: Any, base: Any, progress: Progress) -> Any:
    """lm-eval's `HFLM` (`base`), with contexts read once for all their continuations, and more answers written at a time.

    What does not fit the model's context, and models whose attention is not plain, go lm-eval's own way.
    """

    class PrefixSharingLM(base):
        def _loglikelihood_tokens(self, requests: Any, disable_tqdm: bool = False, override_bs: int | None = None) -> Any:
            own_way: Any = base._loglikelihood_tokens
            if not can_share(self.model.config):
                return own_way(self, requests, disable_tqdm=disable_tqdm, override_bs=override_bs)
            answers: dict[int, tuple[float, bool]] = {}
            rows = rows_of(requests)
            long = [place for row in rows if row.deepest > self.max_length for place in row.requests]
            for place, answer in zip(long, own_way(self, [requests[place] for place in long]) if long else (), strict=True):
                answers[place] = answer
            rows = [row for row in rows if row.deepest <= self.max_length]
            for start in range(0, len(rows), self.batch_size):
                batch = rows[start : start + self.batch_size]
                ids, positions, mask = (tensor.to(self.device) for tensor in batch_of(torch, batch))
                with torch.inference_mode():
                    logits = self.model(input_ids=ids, position_ids=positions, attention_mask=mask, use_cache=False).logits
                    for index, row in enumerate(batch):
                        answers.update(zip(row.requests, row_answers(torch, row, logits[index]), strict=True))
                progress(len(answers), len(requests))
            return [answers[place] for place in range(len(requests))]

        def generate_until(self, requests: Any, disable_tqdm: bool = False) -> Any:
            own: Any = self
            rows: int = own.batch_size_per_gpu
            own.batch_size_per_gpu = WRITTEN * rows
            try:
                return base.generate_until(own, requests, disable_tqdm=disable_tqdm)
            finally:
                own.batch_size_per_gpu = rows

    return PrefixSharingLM
