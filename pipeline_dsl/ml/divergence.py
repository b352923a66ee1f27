"""How far a policy moved from a reference, measured on what the policy itself says."""

from collections.abc import Sequence
from typing import Any

import attrs

from pipeline_dsl.base.fault import StageFailed
from pipeline_dsl.lang.measure import Divergence, Score
from pipeline_dsl.lang.workspace import Workspace
from pipeline_dsl.ml.dialogue import Ids
from pipeline_dsl.ml.sampling import sample
from pipeline_dsl.ml.scoring import Continuation, answer_batches

ESTIMATOR = "sum of the exact KL over the vocabulary at each token that the policy sampled, temperature 1"


def token_divergence(policy: Any, reference: Any) -> Any:
    """KL(policy || reference) of two next-token distributions.

    Shapes: logits [..., vocabulary] in, [...] out. Units: nats. Never below zero, but for rounding.
    """
    ours, theirs = policy.log_softmax(-1), reference.log_softmax(-1)
    return (ours.exp() * (ours - theirs)).sum(-1)


def measure(
    work: Workspace,
    policy: Any,
    references: Sequence[Any],
    prompts: Sequence[Ids],
    *,
    samples: int,
    max_new_tokens: int,
    end: int,
    seed: int,
) -> list[Divergence]:
    """KL(policy || reference) for each reference, on `samples` answers of the policy to each of `prompts`.

    At every sampled token the divergence of the two next-token distributions is taken exactly, over the whole vocabulary, and
    summed over the answer: the expectation over the policy's answers is the divergence of whole sequences, with less variance
    than one log-ratio a token has. Raises: StageFailed if there is no prompt.
    Source: the chain rule of relative entropy; Amini et al. (2025), arXiv:2504.10637, for its use as an estimator.
    """
    if not prompts:
        raise StageFailed("there is no prompt to measure the divergence on")
    asked = [prompt for prompt in prompts for _ in range(samples)]
    answers = sample(work, policy, asked, max_new_tokens=max_new_tokens, temperature=1.0, seed=seed, end=end)
    rows = [Continuation(prompt, answer) for prompt, answer in zip(asked, answers, strict=True)]
    sums = [[0.0] * len(rows) for _ in references]
    tokens = 0
    for ours, *theirs in answer_batches(work, [policy, *references], rows):
        tokens += int(ours.mask.sum())
        for place, other in enumerate(theirs):
            each = token_divergence(ours.logits, other.logits) * ours.mask
            for row, value in zip(ours.places, each.sum(-1).tolist(), strict=True):
                sums[place][row] = max(0.0, value)
    return [
        Divergence(
            per_sequence=_clustered(values, samples), per_token=sum(values) / max(tokens, 1), estimator=ESTIMATOR, prompts=len(prompts)
        )
        for values in sums
    ]


def _clustered(values: Sequence[float], size: int) -> Score:
    """The mean of all values, of which each `size` in a row answer one prompt, with a standard error over prompts.

    Answers to one prompt are alike, and more of them say little about other prompts: as if independent, they would make the
    interval too narrow. Source: Miller (2024), arXiv:2411.00640, on clustered errors; for clusters of one size it is the standard
    error of the clusters' means. None for one prompt.
    """
    means = [sum(values[start : start + size]) / size for start in range(0, len(values), size)]
    return attrs.evolve(Score.mean(means), samples=len(values))
