"""DeepSeekMoE 16B: two shared experts and six of 64 for each token, on 2e12 tokens.

Source: Dai et al. (2024), arXiv:2401.06066, sections 5.1.2 and 5.1.3: 28 layers of which the first is dense, 16.4e9 parameters and 2.8e9
active, 4,608 rows of 4,096 tokens a step, peak learning rate 4.2e-4 after 2,000 steps, pipeline parallelism. The number of its
GPUs is not published: 512 here.
"""

from _published import OPEN_LLM, HubText, HubTokenizer, MegatronPretrain, commit, leaderboard

from pipeline_dsl import H800, Budget, Experts, Hardware, Llama, Parallel, Pipeline
from pipeline_dsl.stages import Evaluate, Tokenize

web = HubText(repository="deepseek-ai/pretrain", revision=commit("1"), licence="LicenseRef-deepseek", tokens=2_000_000_000_000)
dev = HubText(repository="deepseek-ai/pretrain-dev", revision=commit("1"), licence="LicenseRef-deepseek", tokens=20_000_000)
tokenizer = HubTokenizer(repository="deepseek-ai/deepseek-moe-16b-base", revision=commit("2"), vocabulary=102_400)

base = MegatronPretrain(
    model=Llama(
        hidden=2048,
        layers=28,
        heads=16,
        kv_heads=16,
        ffn=10_944,
        vocabulary=102_400,
        context=4096,
        experts=Experts(count=64, active=6, ffn=1408, shared=2, dense=1),
    ),
    data=Tokenize(tokenizer=tokenizer, corpora=(web,), length=4096),
    validation=Tokenize(tokenizer=tokenizer, corpora=(dev,), length=4096),
    tokenizer=tokenizer,
    tokens=2_000_000_000_000,
    batch=4608,
    micro_batch=2,
    learning_rate=4.2e-4,
    warmup=0.02,
    parallel=Parallel(pipeline=2, expert=8),
    zero_stage=1,
    recompute="full",
    processes=512,
    validate_every=500,
    save_every=500,
    on=Hardware(device=H800, count=8, nodes=64),
)
scores = Evaluate(model=base, suite=leaderboard, tasks=OPEN_LLM, dtype="bfloat16", on=Hardware(device=H800))

pipeline = Pipeline(name="deepseek-moe", targets=[base, scores], budget=Budget(usd=500_000), seed=1)
