"""Answers that a model writes, many prompts at a time."""

from collections.abc import Sequence
from typing import Any

from pipeline_dsl.lang.workspace import Workspace
from pipeline_dsl.ml.dialogue import Ids
from pipeline_dsl.ml.scoring import by_length, pad_left

BATCH = 128
"""Prompts that are answered together: decoding one token costs a small model little more for many rows than for one."""


def sample(
    work: Workspace,
    model: Any,
    prompts: Sequence[Ids],
    *,
    max_new_tokens: int,
    temperature: float,
    seed: int,
    end: int,
) -> list[Ids]:
    """An answer to each prompt, its end token included if it came within `max_new_tokens`.

    At temperature 0 the likeliest token is taken each time. Above it, tokens are drawn from the model's whole distribution,
    never cut by top-k or top-p: what is measured on the samples would be about another distribution. The same `seed` gives
    the same answers on the same machine; the global random state is left as it was.
    """
    torch = work.library("torch")
    found: list[Ids] = [[] for _ in prompts]
    with torch.random.fork_rng(devices=[]), torch.inference_mode():
        torch.manual_seed(seed)
        for places in by_length([len(prompt) for prompt in prompts], BATCH):
            rows = _decode(torch, model, [prompts[place] for place in places], max_new_tokens, temperature, end)
            for place, row in zip(places, rows, strict=True):
                found[place] = row
    return found


def _decode(torch: Any, model: Any, prompts: Sequence[Ids], max_new_tokens: int, temperature: float, end: int) -> list[Ids]:
    """Answers to one batch, decoded with a key-value cache until every row has ended."""
    ids, mask, positions = pad_left(torch, prompts)
    rows: list[Ids] = [[] for _ in prompts]
    open_rows = list(range(len(prompts)))
    cache: Any = None
    for _ in range(max_new_tokens):
        output = model(input_ids=ids, attention_mask=mask, position_ids=positions, past_key_values=cache, use_cache=True, logits_to_keep=1)
        cache = output.past_key_values
        logits = output.logits[:, -1].float()
        ids = logits.argmax(-1, keepdim=True) if temperature == 0 else torch.multinomial((logits / temperature).softmax(-1), 1)
        written: list[int] = ids[:, 0].tolist()
        for row in open_rows:
            rows[row].append(written[row])
        open_rows = [row for row in open_rows if written[row] != end]
        if not open_rows:
            break
        positions = positions[:, -1:] + 1
        mask = torch.cat([mask, torch.ones(len(prompts), 1, dtype=mask.dtype)], 1)
    return rows
