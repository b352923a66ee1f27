"""MPT-7B: 1e12 tokens in 9.5 days on 440 A100 of 40 GB, about $200,000 at $2 an hour.

Source: MosaicML (2023), "Introducing MPT-7B", and the model card: 1,760 rows of 2,048 tokens a step, a vocabulary of 50,254 padded
to 50,432. Its layers have two matrices of 16,384; the three of 10,944 here hold as much. The learning rate is not published.
"""

from _published import OPEN_LLM, HubText, HubTokenizer, commit, leaderboard

from pipeline_dsl import A100_40, Budget, Hardware, Llama, Pipeline
from pipeline_dsl.stages import Evaluate, Pretrain, Tokenize

web = HubText(repository="mosaicml/mc4-c4-redpajama-stack", revision=commit("a"), licence="LicenseRef-various", tokens=1_000_000_000_000)
dev = HubText(repository="mosaicml/c4-dev", revision=commit("a"), licence="ODC-By-1.0", tokens=20_000_000)
tokenizer = HubTokenizer(repository="EleutherAI/gpt-neox-20b", revision=commit("b"), vocabulary=50_254)

base = Pretrain(
    model=Llama(hidden=4096, layers=32, heads=32, kv_heads=32, ffn=10_944, vocabulary=50_432, context=2048, tied=True),
    data=Tokenize(tokenizer=tokenizer, corpora=(web,), length=2048),
    validation=Tokenize(tokenizer=tokenizer, corpora=(dev,), length=2048),
    tokenizer=tokenizer,
    tokens=1_000_000_000_000,
    batch=1760,
    micro_batch=2,
    learning_rate=1.6e-4,
    warmup=0.01,
    zero_stage=3,
    recompute="selective",
    processes=440,
    validate_every=2000,
    save_every=500,
    on=Hardware(device=A100_40, count=8, nodes=55, price=2.0),
)
scores = Evaluate(model=base, suite=leaderboard, tasks=OPEN_LLM, dtype="bfloat16", on=Hardware(device=A100_40))

pipeline = Pipeline(name="mpt-7b", targets=[base, scores], budget=Budget(usd=300_000), seed=17)
