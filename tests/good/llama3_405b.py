"""Llama 3.1 405B: 405e9 parameters on 15.6e12 tokens, 30.84M H100-hours on 16,384 of them.

Source: Grattafiori et al. (2024), arXiv:2407.21783, table 3 (shape, peak learning rate 8e-5), table 4 (8 by matrices, 16 by
layers, 128 copies, 16 rows of 8,192 tokens for each in a step, 41% MFU) and section 3.4.1 (8,000 steps of warm-up, to 1% of
the highest rate). The 126 layers are two short of a multiple of 16: the embeddings take the place of one at either end.
"""

from _published import OPEN_LLM, HubText, HubTokenizer, MegatronPretrain, commit, leaderboard

from pipeline_dsl import H100, Budget, Hardware, Llama, Parallel, Pipeline
from pipeline_dsl.stages import Evaluate, Tokenize

web = HubText(repository="meta/llama-3-mix", revision=commit("1"), licence="LicenseRef-meta", tokens=15_600_000_000_000)
dev = HubText(repository="meta/llama-3-mix-dev", revision=commit("1"), licence="LicenseRef-meta", tokens=100_000_000)
tokenizer = HubTokenizer(repository="meta-llama/Llama-3.1-405B", revision=commit("2"), vocabulary=128_256)

base = MegatronPretrain(
    model=Llama(hidden=16_384, layers=126, heads=128, kv_heads=8, ffn=53_248, vocabulary=128_256, context=8192),
    data=Tokenize(tokenizer=tokenizer, corpora=(web,), length=8192),
    validation=Tokenize(tokenizer=tokenizer, corpora=(dev,), length=8192),
    tokenizer=tokenizer,
    tokens=15_600_000_000_000,
    batch=2048,
    micro_batch=1,
    learning_rate=8e-5,
    warmup=0.0086,
    floor=0.01,
    parallel=Parallel(tensor=8, pipeline=16, sequence=True),
    zero_stage=1,
    recompute="selective",
    processes=16_384,
    validate_every=5000,
    save_every=200,
    on=Hardware(device=H100, count=8, nodes=2048, mfu=0.41),
)
scores = Evaluate(model=base, suite=leaderboard, tasks=OPEN_LLM, dtype="bfloat16", on=Hardware(device=H100, count=8, nodes=2))

pipeline = Pipeline(name="llama3-405b", targets=[base, scores], budget=Budget(usd=120_000_000), seed=1)
