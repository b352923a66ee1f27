"""Direct preference optimisation, by TRL."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pipeline_dsl.base.flops import ADAPTING, LOOKING, TRAINING
from pipeline_dsl.lang.adapter import Lora
from pipeline_dsl.lang.artifact import Artifact
from pipeline_dsl.lang.artifacts import STAGE_KL, Policy, Preferences, Prompts, SftModel
from pipeline_dsl.lang.fields import Count, NonNegative, Positive, held_out
from pipeline_dsl.lang.measure import Score
from pipeline_dsl.lang.placement import Placement
from pipeline_dsl.lang.size import Size, Sizes, Work
from pipeline_dsl.lang.stage import Ref
from pipeline_dsl.lang.workspace import Workspace
from pipeline_dsl.stages._tuning import AT_ONCE, FineTuning
from pipeline_dsl.stages.reward import columns

A_co = TypeVar("A_co", bound=Artifact, covariant=True)


class PreferenceTuning(FineTuning[A_co]):
    """What moves an SFT model towards preferred answers, with itself as the reference."""

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

    def placement(self, sizes: Sizes) -> Placement | None:
        return self.placed(sizes[self.policy], rows=2, reference=1)

    def cost(self, sizes: Sizes) -> Work:
        return self.learning(sizes)

    def learning(self, sizes: Sizes, lora: Lora | None = None) -> Work:
        """What `learn` and `aligned` take: training, beside a reference that looks at both answers; then answers that both score."""
        policy, examples = sizes[self.policy], sizes[self.data].examples
        rows = None if examples is None else 2 * self.epochs * examples
        learnt = self.effort(policy, (ADAPTING if lora else TRAINING) + LOOKING, rows, lora=lora)
        answers = (sizes[self.prompts].examples or 0) * self.kl_samples
        held = 2 * (sizes[self.held].examples or 0)
        scored = self.effort(policy, 2 * LOOKING, answers + held)
        return learnt + self.answers(policy, answers, self.max_new_tokens, AT_ONCE) + scored

    def asked(self, metric: str, sizes: Sizes) -> int | None:
        return sizes[self.held if metric == "preference_accuracy" else self.prompts].examples

    def measures(self) -> Iterable[str]:
        return ("kl_from_reference", STAGE_KL, "preference_accuracy")

    def learn(self, work: Workspace, lora: Lora | None = None) -> None:
        """Train into `work.output`: a whole model, or the adapters of `lora`."""
        from pipeline_dsl.ml.dialogue import read_pairs
        from pipeline_dsl.ml.finetuning import DPO, tune

        rows = columns(read_pairs(work.path(self.data)))
        job = self.tuning(work, work.path(self.policy), rows, beta=self.beta, chosen_weight=self.chosen_weight, lora=lora)
        tune(work, DPO, job, processes=self.processes)

    def aligned(self, work: Workspace, policy: Any, tokenizer: Any) -> dict[str, Any]:
        """What an aligned artifact says of a whole `policy`: how far it moved, and how it ranks held-out pairs."""
        from pipeline_dsl.ml import divergence
        from pipeline_dsl.ml.causal import load_causal
        from pipeline_dsl.ml.dialogue import encode_prompts, read_prompts

        reference, _ = load_causal(work, work.path(self.policy))
        accuracy = implicit_accuracy(work, policy, reference, tokenizer, work.path(self.held), self.row_length(work.path(self.policy)))
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
        return {
            "reference": work.digest(self.policy),
            "beta": self.beta,
            "kl": moved,
            "kl_from_first": moved,
            "figures": {"preference_accuracy": accuracy},
        }


class Dpo(PreferenceTuning[Policy]):
    """Move an SFT model towards preferred answers, with itself as the reference; all weights learn.

    Source: Rafailov et al. (2023), arXiv:2305.18290, equation 7; the weight on the preferred answer's own likelihood from
    Pang et al. (2024), arXiv:2404.19733, equation 1.
    """

    def run(self, work: Workspace) -> Policy:
        from pipeline_dsl.ml.causal import load_causal

        self.learn(work)
        policy, tokenizer = load_causal(work, work.output)
        return Policy(parameters=work.meta(self.policy).parameters, **self.aligned(work, policy, tokenizer))


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
    before, after, gained = (_preferred(values) for values in (theirs, ours, gains))
    print(f"the preferred answer is the likelier one in {before.value:.1f}% of held-out pairs before, {after.value:.1f}% after", flush=True)
    return gained


def _preferred(values: Sequence[float]) -> Score:
    """Pairs of values, one after another, of which the first is the greater; percent."""
    return Score.share(sum(one > other for one, other in zip(values[::2], values[1::2], strict=True)), len(values) // 2)
