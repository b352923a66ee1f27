"""A reward model from preferences, by TRL."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from pipeline_dsl.base.flops import TRAINING
from pipeline_dsl.lang.artifacts import Preferences, RewardModel, SftModel
from pipeline_dsl.lang.fields import held_out
from pipeline_dsl.lang.measure import Score
from pipeline_dsl.lang.placement import Placement
from pipeline_dsl.lang.size import Size, Sizes, Work
from pipeline_dsl.lang.stage import Ref
from pipeline_dsl.lang.workspace import Workspace
from pipeline_dsl.stages._tuning import FineTuning

if TYPE_CHECKING:
    from pipeline_dsl.ml.dialogue import Messages, Pair


class TrainReward(FineTuning[RewardModel]):
    """Teach a copy of an SFT model, with a fresh scalar head, to score the preferred answer higher.

    Source: Bradley and Terry (1952), as used by Ouyang et al. (2022), arXiv:2203.02155, equation 1.
    """

    base: Ref[SftModel]
    data: Ref[Preferences]
    held: Ref[Preferences] = held_out()

    def size(self, sizes: Sizes) -> Size:
        return sizes[self.base]

    def placement(self, sizes: Sizes) -> Placement | None:
        return self.placed(sizes[self.base], rows=2, scores="none")

    def cost(self, sizes: Sizes) -> Work:
        examples = sizes[self.data].examples
        return self.effort(sizes[self.base], TRAINING, None if examples is None else 2 * self.epochs * examples)

    def measures(self) -> Iterable[str]:
        return ("reward_accuracy",)

    def run(self, work: Workspace) -> RewardModel:
        from pipeline_dsl.ml.dialogue import read_pairs
        from pipeline_dsl.ml.finetuning import REWARD, tune

        job = self.tuning(work, work.path(self.base), columns(read_pairs(work.path(self.data))))
        tune(work, REWARD, job, processes=self.processes)
        return RewardModel(
            parameters=work.meta(self.base).parameters,
            preferences=work.digest(self.data),
            accuracy=self._accuracy(work, read_pairs(work.path(self.held))),
        )

    def _accuracy(self, work: Workspace, pairs: "Sequence[Pair]") -> Score:
        from pipeline_dsl.ml.dialogue import encode_pairs
        from pipeline_dsl.ml.scoring import rewards

        transformers = work.library("transformers")
        model: Any = transformers.AutoModelForSequenceClassification.from_pretrained(work.output, local_files_only=True).float().eval()
        tokenizer = transformers.AutoTokenizer.from_pretrained(work.output, local_files_only=True)
        rows = encode_pairs(tokenizer, pairs, max_length=self.row_length(work.output))
        chosen = rewards(work, model, [row.prompt + row.chosen for row in rows])
        rejected = rewards(work, model, [row.prompt + row.rejected for row in rows])
        return Score.share(sum(better > worse for better, worse in zip(chosen, rejected, strict=True)), len(rows))


def columns(pairs: "Sequence[Pair]") -> dict[str, list[Any]]:
    """Pairs as the columns that TRL's preference trainers read, with the length that their batches are grouped by.

    Characters stand for tokens here: rows of about one length are all that is asked for.
    """
    found = {name: [getattr(pair, name) for pair in pairs] for name in ("prompt", "chosen", "rejected")}
    spoken = [pair.prompt + max(pair.chosen, pair.rejected, key=_characters) for pair in pairs]
    return {**found, "length": [_characters(messages) for messages in spoken]}


def _characters(messages: "Messages") -> int:
    return sum(len(message["content"]) for message in messages)
