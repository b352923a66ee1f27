"""Group-relative policy optimisation, by TRL."""

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

from pipeline_dsl.base.flops import LOOKING, TRAINING
from pipeline_dsl.lang.artifacts import STAGE_KL, Exercises, Policy, Prompts, RewardModel, SftModel
from pipeline_dsl.lang.fields import Count, NonNegative, Positive, held_out
from pipeline_dsl.lang.placement import Placement
from pipeline_dsl.lang.size import Size, Sizes, Work
from pipeline_dsl.lang.stage import Problem, Ref, is_stage, stage_type
from pipeline_dsl.lang.verify import Verify
from pipeline_dsl.lang.workspace import Workspace
from pipeline_dsl.stages._tuning import FineTuning


class Grpo(FineTuning[Policy]):
    """Move a policy towards those of its own answers that are rewarded more than others to the same prompt.

    A reward model judges them, or a program does, or both, whose rewards are then added. `batch` counts answers.
    Source: Shao et al. (2024), arXiv:2402.03300, section 4.1, with outcome rewards.
    """

    aligns = True
    retokenizes: ClassVar[bool] = True
    """The reward model reads the words of an answer in its own tokenizer and chat template."""

    policy: Ref[SftModel | Policy]
    """What learns, and stays the reference of the penalty."""
    reference: Ref[SftModel] | None = None
    """The first reference, where `policy` has moved from one before: the final policy is measured against it too."""
    prompts: Ref[Prompts]
    reward: Ref[RewardModel] | None = None
    verify: Verify | None = None
    """A program that judges; the prompts must then be `Exercises`."""
    held: Ref[Prompts] = held_out()
    """What the divergence is measured on."""
    group: Count = 8
    """Answers to each prompt: the reward of one, less their mean, over their standard deviation, is its advantage."""
    max_new_tokens: Count = 64
    temperature: Positive = 1.0
    updates: Count = 1
    """Optimizer steps on the same answers."""
    clip_ratio: Positive = 0.2
    """How far the probability of a token may change on the same answers before its gradient is cut."""
    beta: NonNegative = 0.04
    """Weight of the divergence from the reference in the loss; 0 leaves the reference out."""
    kl_budget: Positive
    """How far the policy may move from the one it starts as, nats a sequence."""
    kl_samples: Count = 2

    def size(self, sizes: Sizes) -> Size:
        return sizes[self.policy]

    def placement(self, sizes: Sizes) -> Placement | None:
        return self.placed(sizes[self.policy], reference=int(self.beta > 0), scores="whole")

    def cost(self, sizes: Sizes) -> Work:
        """Writing the answers, bound by memory, and then passes over them, bound by arithmetic."""
        policy, asked = sizes[self.policy], sizes[self.prompts].examples
        rows = None if asked is None else self.epochs * asked * self.group
        passes = TRAINING * self.updates + LOOKING * ((self.beta > 0) + (self.updates > 1))
        learnt = self.answers(policy, rows, self.max_new_tokens, self.batch) + self.effort(policy, passes, rows)
        judged = Work() if self.reward is None else self.effort(sizes[self.reward], LOOKING, rows)
        measured = self.kl_samples * (sizes[self.held].examples or 0)
        references = 2 if self.reference is None else 3
        looked = self.effort(policy, references * LOOKING, measured)
        return learnt + judged + self.answers(policy, measured, self.max_new_tokens, self.batch) + looked

    def measures(self) -> Iterable[str]:
        return ("kl_from_reference", STAGE_KL)

    def problems(self) -> Iterator[Problem]:
        yield from super().problems()
        if self.batch % self.group:
            help = f"take a multiple of {self.group}, such as {-(-self.batch // self.group) * self.group}"
            yield Problem("batch", f"{self.batch} answers are no whole groups of {self.group}", help)
        if self.group < 2:
            yield Problem("group", "one answer has nothing to be compared with", "group=8 is usual")
        if self.max_new_tokens >= self.max_length:
            message = f"answers of {self.max_new_tokens} tokens leave no room for a prompt in rows of {self.max_length}"
            yield Problem("max_new_tokens", message, f"max_length={2 * self.max_new_tokens}")
        yield from self._unjudged()
        if self.reference is None and _makes(self.policy, Policy):
            message = "the policy has moved from a reference before, and the final one is measured against that too"
            yield Problem("policy", message, "give the SFT model that it began as: `reference=...`")

    def _unjudged(self) -> Iterator[Problem]:
        if self.reward is None and self.verify is None:
            help = "give a reward model, `reward=...`, or a program, `verify=Verify(...)`"
            yield Problem("reward", "nothing judges the answers", help)
        if self.verify is not None:
            for fault in self.verify.problems():
                yield Problem("verify", fault)
            if is_stage(self.prompts) and not _makes(self.prompts, Exercises):
                yield Problem("prompts", "they have no answers that `verify` could compare with", "give a stage that makes `Exercises`")

    def run(self, work: Workspace) -> Policy:
        from pipeline_dsl.ml.finetuning import Sampling, tune
        from pipeline_dsl.ml.grpo import GRPO

        sampling = Sampling(
            group=self.group,
            max_new_tokens=self.max_new_tokens,
            temperature=self.temperature,
            updates=self.updates,
            clip_ratio=self.clip_ratio,
            reward="" if self.reward is None else str(work.path(self.reward)),
            verify=self.verify,
        )
        job = self.tuning(work, work.path(self.policy), self._rows(work), beta=self.beta, sampling=sampling)
        tune(work, GRPO, job, processes=self.processes)
        return self._measured(work)

    def _rows(self, work: Workspace) -> dict[str, list[Any]]:
        """Prompts that leave room for an answer, with their own answers where those are compared."""
        from pipeline_dsl.ml.dialogue import read_exercises, read_prompts
        from pipeline_dsl.ml.grpo import fitting

        folder = work.path(self.prompts)
        tokenizer = work.library("transformers").AutoTokenizer.from_pretrained(work.path(self.policy), local_files_only=True)
        answers: list[str] = []
        if self.verify is None:
            prompts = read_prompts(folder)
        else:
            exercises = read_exercises(folder)
            prompts, answers = [asked for asked, _ in exercises], [answer for _, answer in exercises]
        kept = fitting(tokenizer, prompts, room=self.row_length(work.path(self.policy)) - self.max_new_tokens)
        rows: dict[str, list[Any]] = {"prompt": [prompts[place] for place in kept]}
        return rows | ({"answer": [answers[place] for place in kept]} if answers else {})

    def _measured(self, work: Workspace) -> Policy:
        """The policy in `work.output`, with its divergence from the one it started as and from the first reference."""
        from pipeline_dsl.ml import divergence
        from pipeline_dsl.ml.causal import load_causal
        from pipeline_dsl.ml.dialogue import encode_prompts, read_prompts

        policy, tokenizer = load_causal(work, work.output)
        references = [load_causal(work, work.path(ref))[0] for ref in (self.policy, self.reference) if ref is not None]
        moved, *first = divergence.measure(
            work,
            policy,
            references,
            encode_prompts(tokenizer, read_prompts(work.path(self.held))),
            samples=self.kl_samples,
            max_new_tokens=self.max_new_tokens,
            end=tokenizer.eos_token_id,
            seed=work.seed,
        )
        print(f"KL {moved.per_sequence.value:.4f} nats a sequence", flush=True)
        return Policy(
            parameters=work.meta(self.policy).parameters,
            reference=work.digest(self.policy),
            beta=self.beta,
            kl=moved,
            kl_from_first=first[0] if first else moved,
        )


def _makes(ref: Ref[Any], kind: type[Any]) -> bool:
    """Whether a declared stage makes a `kind`; what is no stage is not judged."""
    return is_stage(ref) and issubclass(stage_type(type(ref)).produces, kind)
