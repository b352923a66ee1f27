"""GPT-NeoX-20B: 472e9 tokens of the Pile in fp16 on 96 A100 of 40 GB, 1,830 hours.

Source: Black et al. (2022), arXiv:2204.06745, section 3: 2 by matrices, 4 by layers, 12 copies, ZeRO stage 1, 4 rows a pass
and 3.15M tokens a step, peak learning rate 0.97e-4, weight decay 0.01. Its layers have two matrices of 24,576; the three of
16,384 here hold as much.
"""

from _published import OPEN_LLM, HubText, HubTokenizer, MegatronPretrain, commit, leaderboard

from pipeline_dsl import A100_40, Budget, Hardware, Llama, Parallel, Pipeline
from pipeline_dsl.stages import Evaluate, Tokenize

pile = HubText(repository="EleutherAI/the_pile", revision=commit("1"), licence="LicenseRef-pile", tokens=300_000_000_000)
dev = HubText(repository="EleutherAI/the_pile_validation", revision=commit("1"), licence="LicenseRef-pile", tokens=20_000_000)
tokenizer = HubTokenizer(repository="EleutherAI/gpt-neox-20b", revision=commit("2"), vocabulary=50_257)

base = MegatronPretrain(
    model=Llama(hidden=6144, layers=44, heads=64, kv_heads=64, ffn=16_384, vocabulary=50_432, context=2048),
    data=Tokenize(tokenizer=tokenizer, corpora=(pile,), length=2048),
    validation=Tokenize(tokenizer=tokenizer, corpora=(dev,), length=2048),
    tokenizer=tokenizer,
    tokens=150_000 * 1536 * 2048,
    batch=1536,
    micro_batch=4,
    learning_rate=0.97e-4,
    warmup=0.01,
    weight_decay=0.01,
    precision="fp16",
    parallel=Parallel(tensor=2, pipeline=4),
    zero_stage=1,
    recompute="full",
    processes=96,
    validate_every=1000,
    save_every=500,
    on=Hardware(device=A100_40, count=8, nodes=12),
)
scores = Evaluate(model=base, suite=leaderboard, tasks=OPEN_LLM, dtype="bfloat16", on=Hardware(device=A100_40, count=2))

pipeline = Pipeline(name="neox-20b", targets=[base, scores], budget=Budget(usd=500_000), seed=1234)
