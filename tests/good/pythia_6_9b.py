"""Pythia-6.9B: 300e9 tokens of the Pile in fp16 on 128 A100 of 40 GB, 33,500 hours of them.

Source: Biderman et al. (2023), arXiv:2304.01373, tables 1 and 5: 2M tokens a step in rows of 2,048, 143,000 steps, peak learning
rate 1.2e-4 after 1% of them, weight decay 0.01. Its layers have two matrices of 16,384; the three of 10,944 here hold as much.
"""

from _published import OPEN_LLM, HubText, HubTokenizer, MegatronPretrain, commit, leaderboard

from pipeline_dsl import A100_40, Budget, Hardware, Llama, Parallel, Pipeline
from pipeline_dsl.stages import Evaluate, Tokenize

pile = HubText(repository="EleutherAI/the_pile_deduplicated", revision=commit("8"), licence="LicenseRef-pile", tokens=207_000_000_000)
dev = HubText(repository="EleutherAI/the_pile_validation", revision=commit("8"), licence="LicenseRef-pile", tokens=20_000_000)
tokenizer = HubTokenizer(repository="EleutherAI/pythia-6.9b", revision=commit("9"), vocabulary=50_254)

base = MegatronPretrain(
    model=Llama(hidden=4096, layers=32, heads=32, kv_heads=32, ffn=10_944, vocabulary=50_432, context=2048),
    data=Tokenize(tokenizer=tokenizer, corpora=(pile,), length=2048),
    validation=Tokenize(tokenizer=tokenizer, corpora=(dev,), length=2048),
    tokenizer=tokenizer,
    tokens=299_892_736_000,
    batch=1024,
    micro_batch=8,
    learning_rate=1.2e-4,
    warmup=0.01,
    weight_decay=0.01,
    precision="fp16",
    parallel=Parallel(tensor=2),
    zero_stage=1,
    recompute="full",
    processes=128,
    validate_every=1000,
    save_every=1000,
    on=Hardware(device=A100_40, count=8, nodes=16),
)
scores = Evaluate(model=base, suite=leaderboard, tasks=OPEN_LLM, dtype="bfloat16", on=Hardware(device=A100_40))

pipeline = Pipeline(name="pythia-6-9b", targets=[base, scores], budget=Budget(usd=80_000), seed=1234)
