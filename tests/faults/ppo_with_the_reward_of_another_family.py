# seen: https://github.com/huggingface/trl/issues/3595 – index out of range in the reward model, whose vocabulary is another
from pipeline_dsl import Pipeline, Policy, Positive, Prompts, Ref, RewardModel, SftModel, Stage, Workspace
from pipeline_dsl.stages import Pretrain, Tokenize, TrainReward, TrainTokenizer

from _parts import TINY, Ask, Sft, chats, compared, judged, sft, train, validation


class Ppo(Stage[Policy]):
    """Proximal policy optimisation."""

    aligns = True

    actor: Ref[SftModel]
    critic: Ref[RewardModel]
    prompts: Ref[Prompts]
    kl_budget: Positive

    def run(self, work: Workspace) -> Policy:
        raise NotImplementedError


other = TrainTokenizer(corpora=(train,), vocabulary=4_096, split_digits=False)
second = Pretrain(
    data=Tokenize(tokenizer=other, corpora=(train,), length=512),
    validation=Tokenize(tokenizer=other, corpora=(validation,), length=512),
    tokenizer=other,
    model=TINY,
    tokens=10_000_000,
    batch=32,
    learning_rate=1e-3,
)
judge = TrainReward(base=Sft(base=second, data=chats), data=judged, held=compared, learning_rate=1e-5)
better = Ppo(
    actor=sft,
    critic=judge,  # expect: PDSL228
    prompts=Ask(part="train"),
    kl_budget=10.0,
)

pipeline = Pipeline(name="assistant", targets=[better])
