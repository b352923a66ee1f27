# seen: https://github.com/huggingface/trl/issues/1674 – the reward model was given the ids of the policy's tokenizer
from pipeline_dsl import Pipeline
from pipeline_dsl.stages import ConstitutionalAi, Pretrain, Tokenize, TrainReward, TrainTokenizer
from pipeline_dsl.stages.constitutional import Principle

from _parts import TINY, Ask, Sft, asked, chats, compared, judged, policy, sft, train, validation

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
safer = ConstitutionalAi(
    policy=policy,
    reference=sft,
    reward=judge,  # expect: PDSL228
    prompts=Ask(part="train"),
    held=asked,
    principles=(Principle(critique="Could this hurt somebody?", revision="I cannot help with that."),),
    learning_rate=1e-6,
    kl_budget=10.0,
)

pipeline = Pipeline(name="assistant", targets=[safer])
