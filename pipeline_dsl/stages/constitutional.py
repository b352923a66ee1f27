"""Constitutional AI: a model judges and revises its own answers by written principles, and learns from that."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from pipeline_dsl.base.flops import LOOKING, TRAINING
from pipeline_dsl.lang.artifacts import STAGE_KL, Chats, Policy, Prompts, RewardModel, SftModel
from pipeline_dsl.lang.fields import Count, NonNegative, Positive, Whole, held_out
from pipeline_dsl.lang.placement import Placement
from pipeline_dsl.lang.size import Size, Sizes, Work
from pipeline_dsl.lang.stage import Problem, Ref
from pipeline_dsl.lang.workspace import Workspace
from pipeline_dsl.stages._tuning import AT_ONCE, FineTuning
from pipeline_dsl.stages.reward import columns

if TYPE_CHECKING:
    from pipeline_dsl.ml.dialogue import Messages


@attrs.frozen(kw_only=True)
class Principle:
    """One written principle.

    `critique` is asked about each request, in front of it; the request violates the principle if the model finds `violation`
    likelier than `compliance` as an answer, by more than `threshold` nats. `revision` then takes the answer's place: a small
    model cannot write one of its own, so it is written here.
    """

    critique: str
    violation: str = "Yes"
    compliance: str = "No"
    threshold: float = 0.0
    revision: str


class ConstitutionalAi(FineTuning[Policy]):
    """Supervised learning on revised answers, then preference training on labels that the model gave.

    Where no principle is violated, the reward model chooses among the model's own answers. Source: Bai et al. (2022),
    arXiv:2212.08073, sections 3 and 4, with DPO in the place of reinforcement learning.
    """

    aligns = True

    policy: Ref[Policy]
    reference: Ref[SftModel]
    """The first reference: the final policy is measured against it too."""
    reward: Ref[RewardModel]
    prompts: Ref[Prompts]
    replay: Ref[Chats] | None = None
    """Conversations that keep what was learnt before."""
    held: Ref[Prompts] = held_out()
    """What the divergence is measured on."""
    principles: tuple[Principle, ...]
    candidates: Count = 2
    """Answers to each request that the reward model chooses among."""
    replay_rows: Whole = 500
    preference_epochs: Whole = 1
    """Passes over the model's own labels; 0 leaves preference training out."""
    preference_rate: Positive = 1e-4
    beta: Positive = 0.1
    chosen_weight: NonNegative = 1.0
    kl_budget: Positive
    """How far the policy may move from the one it starts as, nats a sequence."""
    kl_samples: Count = 2
    max_new_tokens: Count = 64

    def size(self, sizes: Sizes) -> Size:
        return sizes[self.policy]

    def placement(self, sizes: Sizes) -> Placement | None:
        pairs = self.preference_epochs > 0  # the second part, which holds more: it has a reference, and pairs
        return self.placed(sizes[self.policy], rows=1 + pairs, reference=int(pairs))

    def cost(self, sizes: Sizes) -> Work:
        policy, asked = sizes[self.policy], sizes[self.prompts].examples
        held = (sizes[self.held].examples or 0) * self.kl_samples
        # The reward model scores each candidate; each principle is asked about with two answers.
        looked = LOOKING * (self.candidates + 2 * len(self.principles))
        learnt = TRAINING * self.epochs + 2 * (TRAINING + LOOKING) * self.preference_epochs
        written = self.answers(policy, (asked or 0) * self.candidates + held, self.max_new_tokens, AT_ONCE)
        return self.effort(policy, learnt + looked, asked) + self.effort(policy, 3 * LOOKING, held) + written

    def measures(self) -> Iterable[str]:
        return ("kl_from_reference", STAGE_KL)

    def problems(self) -> Iterator[Problem]:
        yield from super().problems()
        if not self.principles:
            yield Problem("principles", "there is no principle to judge by", "principles=(Principle(critique=..., revision=...),)")

    def run(self, work: Workspace) -> Policy:
        from pipeline_dsl.ml import divergence
        from pipeline_dsl.ml.causal import load_causal
        from pipeline_dsl.ml.dialogue import encode_prompts, read_prompts
        from pipeline_dsl.ml.finetuning import DPO, SFT, tune

        start = work.path(self.policy)
        model, tokenizer = load_causal(work, start)
        asked = read_prompts(work.path(self.prompts))
        answers = self._answers(work, model, tokenizer, asked)
        verdicts = self._critiques(work, model, tokenizer, asked)
        revised = [
            answer if verdict is None else self.principles[verdict].revision for answer, verdict in zip(answers, verdicts, strict=True)
        ]
        violated = sum(verdict is not None for verdict in verdicts)
        print(f"{violated} of {len(asked)} requests violate a principle", flush=True)
        rows = self._lessons(work, tokenizer, asked, revised)
        middle = work.scratch / "revised" if self.preference_epochs else work.output
        middle.mkdir(exist_ok=True)
        tune(work, SFT, self.tuning(work, start, rows, name="supervised", output=middle), processes=self.processes)
        if self.preference_epochs:
            pairs = self._labels(asked, answers, verdicts)
            job = self.tuning(
                work,
                middle,
                pairs,
                name="preferred",
                epochs=self.preference_epochs,
                learning_rate=self.preference_rate,
                beta=self.beta,
                chosen_weight=self.chosen_weight,
            )
            tune(work, DPO, job, processes=self.processes)
        policy, _ = load_causal(work, work.output)
        first, _ = load_causal(work, work.path(self.reference))
        moved, from_first = divergence.measure(
            work,
            policy,
            [model, first],
            encode_prompts(tokenizer, read_prompts(work.path(self.held))),
            samples=self.kl_samples,
            max_new_tokens=self.max_new_tokens,
            end=tokenizer.eos_token_id,
            seed=work.seed,
        )
        return Policy(
            parameters=work.meta(self.policy).parameters,
            reference=work.digest(self.policy),
            beta=self.beta,
            kl=moved,
            kl_from_first=from_first,
        )

    def _answers(self, work: Workspace, model: Any, tokenizer: Any, asked: "Sequence[Messages]") -> list[str]:
        """The model's answer to each request: of several, the one that the reward model scores highest."""
        from pipeline_dsl.ml.dialogue import encode_prompts
        from pipeline_dsl.ml.sampling import sample
        from pipeline_dsl.ml.scoring import rewards

        prompts = encode_prompts(tokenizer, asked)
        end = tokenizer.eos_token_id
        drawn = [
            sample(work, model, prompts, max_new_tokens=self.max_new_tokens, temperature=float(turn > 0), seed=work.seed + turn, end=end)
            for turn in range(self.candidates)
        ]
        judge: Any = work.library("transformers").AutoModelForSequenceClassification
        judge = judge.from_pretrained(work.path(self.reward), local_files_only=True).float().eval()
        scores = [rewards(work, judge, [p + a for p, a in zip(prompts, turn, strict=True)]) for turn in drawn]
        best = [max(range(self.candidates), key=lambda turn: scores[turn][place]) for place in range(len(prompts))]
        others = sum(drawn[turn][place] != drawn[0][place] for place, turn in enumerate(best))
        print(f"the reward model prefers another answer than the likeliest to {others} of {len(prompts)} requests", flush=True)
        return [tokenizer.decode(drawn[turn][place], skip_special_tokens=True).strip() for place, turn in enumerate(best)]

    def _critiques(self, work: Workspace, model: Any, tokenizer: Any, asked: "Sequence[Messages]") -> list[int | None]:
        """The first principle that each request violates, by the model's own judgement; None where there is none."""
        from pipeline_dsl.ml.dialogue import assistant, encode_prompts, user
        from pipeline_dsl.ml.scoring import Continuation, answer_logprobs

        found: list[int | None] = [None] * len(asked)
        for number, principle in enumerate(self.principles):
            questions = [[user(f"{principle.critique} {messages[-1]['content']}")] for messages in asked]
            prompts = encode_prompts(tokenizer, questions)
            likely: list[list[float]] = []
            for word in (principle.violation, principle.compliance):
                spoken = tokenizer.apply_chat_template([[*q, assistant(word)] for q in questions], tokenize=True, return_dict=True)
                whole = [list(ids) for ids in spoken["input_ids"]]
                rows = [Continuation(prompt, ids[len(prompt) :]) for prompt, ids in zip(prompts, whole, strict=True)]
                likely.append(answer_logprobs(work, model, rows))
            for place, (yes, no) in enumerate(zip(*likely, strict=True)):
                if found[place] is None and yes - no > principle.threshold:
                    found[place] = number
        return found

    def _lessons(self, work: Workspace, tokenizer: Any, asked: "Sequence[Messages]", revised: Sequence[str]) -> dict[str, list[Any]]:
        """Revised answers and, between them, conversations from before."""
        from pipeline_dsl.ml.dialogue import assistant, encode_chats, read_chats

        chats = [[*messages, assistant(answer)] for messages, answer in zip(asked, revised, strict=True) if answer]
        if self.replay is not None:
            old = read_chats(work.path(self.replay))
            step = max(1, len(old) // max(1, self.replay_rows))
            chats += old[::step][: self.replay_rows]
        turns = encode_chats(tokenizer, chats, max_length=self.row_length(work.path(self.policy)))
        return {
            "input_ids": [row.ids for row in turns],
            "labels": [row.labels for row in turns],
            "length": [len(row.ids) for row in turns],
        }

    def _labels(self, asked: "Sequence[Messages]", answers: Sequence[str], verdicts: Sequence[int | None]) -> dict[str, list[Any]]:
        """Pairs that the critique decides: the revision over the answer where a principle is violated, else the answer over it."""
        from pipeline_dsl.ml.dialogue import Pair, assistant

        pairs: list[Pair] = []
        for messages, answer, verdict in zip(asked, answers, verdicts, strict=True):
            revision = self.principles[verdict or 0].revision
            better, worse = (answer, revision) if verdict is None else (revision, answer)
            if better and worse and better != worse:
                pairs.append(Pair(messages, [assistant(better)], [assistant(worse)]))
        return columns(pairs)
