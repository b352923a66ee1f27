"""Direct preference optimisation, by TRL."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pipeline_dsl.base.flops import training_flops
from pipeline_dsl.lang.artifacts import STAGE_KL, Policy, Preferences, Prompts, SftModel
from pipeline_dsl.lang.fields import Count, NonNegative, Positive, held_out
from pipeline_dsl.lang.measure import Score
from pipeline_dsl.lang.size import Size, Sizes, Work
from pipeline_dsl.lang.stage import Ref
from pipeline_dsl.lang.workspace import Workspace
from pipeline_dsl.stages._tuning import FineTuning
from pipeline_dsl.stages.reward import columns


class Dpo(FineTuning[Policy]):
    """Move an SFT model towards preferred answers, with itself as the reference.

    Source: Rafailov et al. (2023), arXiv:2305.18290, equation 7; the weight on the preferred answer's own likelihood from
    Pang et al. (2024), arXiv:2404.19733, equation 1.
    """

    aligns = True

    policy: Ref[SftModel]
    data: Ref[Preferences]
    held: Ref[Preferences] = held_out()
    prompts: Ref[Prompts] = held_out()
    """What the divergence is measured on."""
    beta: Positive = 0.1
    chosen_weight: NonNegative = 0.0
    """How much the preferred answer's negative log-likelihood counts beside the preference."""
    kl_budget: Positive
    """How far the policy may move from its reference, nats a sequence."""
    kl_samples: Count = 2
    """Answers to each prompt that the divergence is measured on."""
    max_new_tokens: Count = 64

    def size(self, sizes: Sizes) -> Size:
        return sizes[self.policy]

    def cost(self, sizes: Sizes) -> Work:
        examples = sizes[self.data].examples
        forward = None if examples is None else self.forward(sizes[self.policy], 2 * self.epochs * examples * self.tokens_per_row)
        if forward is None:
            return Work(unknown="the pairs are not counted before they are made")
        return Work(flops=type(forward)(training_flops(forward) + forward))  # the reference only looks

    def measures(self) -> Iterable[str]:
        return ("kl_from_reference", STAGE_KL, "preference_accuracy")

    def run(self, work: Workspace) -> Policy:
        from pipeline_dsl.ml import divergence
        from pipeline_dsl.ml.causal import load_causal
        from pipeline_dsl.ml.dialogue import encode_prompts, read_pairs, read_prompts
        from pipeline_dsl.ml.finetuning import DPO, tune

        start = work.path(self.policy)
        rows = columns(read_pairs(work.path(self.data)))
        job = self.tuning(work, start, rows, beta=self.beta, chosen_weight=self.chosen_weight)
        tune(work, DPO, job, processes=self.processes)
        policy, tokenizer = load_causal(work, work.output)
        reference, _ = load_causal(work, start)
        accuracy = implicit_accuracy(work, policy, reference, tokenizer, work.path(self.held), self.max_length)
        asked = encode_prompts(tokenizer, read_prompts(work.path(self.prompts)))
        (moved,) = divergence.measure(
            work,
            policy,
            [reference],
            asked,
            samples=self.kl_samples,
            max_new_tokens=self.max_new_tokens,
            end=tokenizer.eos_token_id,
            seed=work.seed,
        )
        print(f"KL {moved.per_sequence.value:.4f} nats a sequence, implicit accuracy {accuracy.value:.1f}%", flush=True)
        return Policy(
            parameters=work.meta(self.policy).parameters,
            reference=work.digest(self.policy),
            beta=self.beta,
            kl=moved,
            kl_from_first=moved,
            figures={"preference_accuracy": accuracy},
        )


def implicit_accuracy(work: Workspace, policy: Any, reference: Any, tokenizer: Any, pairs: Path, max_length: int) -> Score:
    """Held-out pairs of which the policy, against its reference, raised the preferred answer more; percent.

    Half are right by chance. Source: Rafailov et al. (2023), arXiv:2305.18290, section 4, the implicit reward.
    """
    from pipeline_dsl.ml.dialogue import encode_pairs, read_pairs
    from pipeline_dsl.ml.scoring import Continuation, answer_logprobs

    rows = encode_pairs(tokenizer, read_pairs(pairs), max_length=max_length)
    asked = [Continuation(row.prompt, answer) for row in rows for answer in (row.chosen, row.rejected)]
    ours, theirs = answer_logprobs(work, policy, asked), answer_logprobs(work, reference, asked)
    gains = [our - their for our, their in zip(ours, theirs, strict=True)]
    return Score.share(sum(gains[place] > gains[place + 1] for place in range(0, len(gains), 2)), len(rows))
