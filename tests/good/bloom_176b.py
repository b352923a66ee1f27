"""BLOOM: 176e9 parameters on 366e9 tokens, 118 days on 384 A100 of 80 GB, 1.08M hours of them.

Source: BigScience (2022), arXiv:2211.05100, table 3 and section 3.4: 4 by matrices, 12 by layers, 8 copies, ZeRO stage 1, 2,048 rows of
2,048 tokens a step, peak learning rate 6e-5, a vocabulary of 250,680 padded to 250,880. The 70 layers are two short of a multiple of
12: the embeddings take the place of one at either end. Its layers have two matrices of 57,344; the three of 38,272 here hold as much.
"""

from _published import OPEN_LLM, HubText, HubTokenizer, MegatronPretrain, commit, leaderboard

from pipeline_dsl import A100_80, Budget, Hardware, Llama, Parallel, Pipeline
from pipeline_dsl.stages import Evaluate, Tokenize

roots = HubText(repository="bigscience-data/roots", revision=commit("1"), licence="LicenseRef-roots", tokens=350_000_000_000)
dev = HubText(repository="bigscience-data/roots-dev", revision=commit("1"), licence="LicenseRef-roots", tokens=50_000_000)
tokenizer = HubTokenizer(repository="bigscience/tokenizer", revision=commit("2"), vocabulary=250_680)

base = MegatronPretrain(
    model=Llama(hidden=14_336, layers=70, heads=112, kv_heads=112, ffn=38_272, vocabulary=250_880, context=2048, tied=True),
    data=Tokenize(tokenizer=tokenizer, corpora=(roots,), length=2048),
    validation=Tokenize(tokenizer=tokenizer, corpora=(dev,), length=2048),
    tokenizer=tokenizer,
    tokens=366_000_000_000,
    batch=2048,
    micro_batch=2,
    learning_rate=6e-5,
    warmup=0.001,
    parallel=Parallel(tensor=4, pipeline=12),
    zero_stage=1,
    recompute="full",
    processes=384,
    validate_every=1000,
    save_every=100,
    on=Hardware(device=A100_80, count=8, nodes=48),
)
scores = Evaluate(model=base, suite=leaderboard, tasks=OPEN_LLM, dtype="bfloat16", on=Hardware(device=A100_80, count=8))

pipeline = Pipeline(name="bloom", targets=[base, scores], budget=Budget(usd=3_000_000), seed=42)
