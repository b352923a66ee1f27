"""Stage types in the shapes that pipelines are made of, for the files beside this one."""

from pipeline_dsl import (
    CausalModel,
    Chats,
    Checkpoint,
    Count,
    EvalReport,
    EvalSuite,
    NonNegative,
    Policy,
    Preferences,
    Ref,
    RewardModel,
    SftModel,
    Stage,
    execution,
)


class Talk(Stage[Chats]):
    path: str


class Judge(Stage[Preferences]):
    path: str


class Questions(Stage[EvalSuite]):
    path: str


class Pretrain(Stage[Checkpoint]):
    steps: Count = 100
    log_every: Count = execution(default=10)


class Sft(Stage[SftModel]):
    base: Ref[Checkpoint]
    data: Ref[Chats]
    epochs: Count = 1
    learning_rate: NonNegative = 1e-4


class TrainReward(Stage[RewardModel]):
    base: Ref[SftModel]
    data: Ref[Preferences]


class Dpo(Stage[Policy]):
    policy: Ref[SftModel]
    data: Ref[Preferences]
    reward: Ref[RewardModel] | None = None


class Evaluate(Stage[EvalReport]):
    model: Ref[CausalModel]
    suite: Ref[EvalSuite]
