"""What a change of a model's weights did to it: paired accuracy, and divergence token by token."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline_dsl.lang.measure import Score
from pipeline_dsl.lang.workspace import Workspace
from pipeline_dsl.ml.harness import Answers

BATCH = 16
"""Rows in a forward pass."""


def paired_delta(before: Mapping[str, Answers], after: Mapping[str, Answers], metrics: Mapping[str, str]) -> Score:
    """Mean change of each document's score, over all tasks, in percentage points.

    The same documents were put to both, so the standard error is that of the differences: much smaller than of either score.
    `metrics` names, by task, the key of the answers' values to compare.
    """
    changes: list[float] = []
    for task, key in metrics.items():
        pairs = zip(_scores(before[task], key), _scores(after[task], key), strict=True)
        changes.extend(100 * (new - old) for old, new in pairs)
    return Score.mean(changes)


def _scores(answers: Answers, key: str) -> list[float]:
    metric, _, name = key.partition(",")
    return [float(sample[metric]) for sample in answers.samples if sample["filter"] == name]


def written(answers: Mapping[str, Answers]) -> list[str]:
    """The text of each document: its prompt, with the right choice where there is one to choose."""
    texts: list[str] = []
    for answer in answers.values():
        first = answer.samples[0]["filter"] if answer.samples else ""
        for sample in answer.samples:
            if sample["filter"] == first:
                arguments, target = sample["arguments"], sample["target"]
                right = target if isinstance(target, int) and 0 <= target < len(arguments) else 0
                prompt, continuation = arguments[right][0], arguments[right][1] if len(arguments[right]) > 1 else ""
                texts.append(prompt + (continuation if isinstance(continuation, str) else ""))
    return texts


def encode(tokenizer: Any, texts: Sequence[str], *, rows: int, context: int) -> list[list[int]]:
    """Token ids of at most `rows` texts, evenly spaced over `texts`, each beginning with <bos> once and cut to `context`."""
    step = max(1.0, len(texts) / rows)
    chosen = [texts[int(index * step)] for index in range(min(rows, len(texts)))]
    found: list[list[int]] = []
    for text in chosen:
        ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
        found.append(([] if ids[:1] == [tokenizer.bos_token_id] else [tokenizer.bos_token_id]) + ids)
    return [ids[:context] for ids in found]


def token_divergence(work: Workspace, reference: Any, model: Any, rows: Sequence[Sequence[int]]) -> Score:
    """Mean KL(reference || model) a token in nats, over the whole vocabulary at every position of `rows`.

    Tokens of a row depend on each other, so the standard error is that of a ratio over rows: Cochran (1977), Sampling
    Techniques, section 6.4. `samples` counts rows.
    """
    torch = work.library("torch")
    order = sorted(range(len(rows)), key=lambda index: -len(rows[index]))
    sums: list[float] = []
    counts: list[int] = []
    with torch.inference_mode():
        for start in range(0, len(order), BATCH):
            batch = [rows[index] for index in order[start : start + BATCH]]
            width = max(map(len, batch))
            ids = torch.tensor([list(row) + [0] * (width - len(row)) for row in batch])
            real = torch.tensor([[True] * len(row) + [False] * (width - len(row)) for row in batch])
            # no attention mask: padding stands on the right, where no real token sees it
            old = reference(input_ids=ids, use_cache=False).logits.float().log_softmax(-1)
            new = model(input_ids=ids, use_cache=False).logits.float().log_softmax(-1)
            each = (old.exp() * (old - new)).sum(-1) * real
            sums.extend(each.double().sum(-1).tolist())
            counts.extend(len(row) for row in batch)
    mean = math.fsum(sums) / sum(counts)
    if len(sums) == 1:
        return Score(value=mean)
    spread = math.fsum((total - mean * count) ** 2 for total, count in zip(sums, counts, strict=True))
    stderr = math.sqrt(spread * len(sums) / (len(sums) - 1)) / sum(counts)
    return Score(value=mean, samples=len(sums), stderr=stderr)
