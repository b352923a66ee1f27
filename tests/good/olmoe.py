"""OLMoE-1B-7B: a mixture of 64 experts, 8 of them for each token, 5.1e12 tokens in about ten days on 256 H100.

Source: Muennighoff et al. (2024), arXiv:2409.02060, appendix B: 6.9e9 parameters of which 1.3e9 are active, 4M
tokens a step, peak learning rate 4e-4, 2,500 steps of warm-up, 1.3 epochs of the OLMoE-mix; MMLU 54.1.
"""

from _published import OPEN_LLM, HubText, HubTokenizer, commit, leaderboard

from pipeline_dsl import H100, Budget, Experts, Hardware, Llama, Pipeline
from pipeline_dsl.stages import Evaluate, Pretrain, Tokenize

web = HubText(repository="allenai/OLMoE-mix-0924", revision=commit("5"), licence="ODC-By-1.0", tokens=4_060_000_000_000)
dev = HubText(repository="allenai/paloma", revision=commit("3"), licence="LicenseRef-AI2-ImpACT", tokens=40_000_000)
tokenizer = HubTokenizer(repository="allenai/gpt-neox-olmo-dolma-v1_5", revision=commit("4"), vocabulary=50_280)

base = Pretrain(
    model=Llama(
        hidden=2048,
        layers=16,
        heads=16,
        kv_heads=16,
        ffn=1024,
        vocabulary=50_304,
        context=4096,
        experts=Experts(count=64, active=8, ffn=1024),
    ),
    data=Tokenize(tokenizer=tokenizer, corpora=(web,), length=4096),
    validation=Tokenize(tokenizer=tokenizer, corpora=(dev,), length=4096),
    tokenizer=tokenizer,
    tokens=5_133_000_000_000,
    batch=1024,
    micro_batch=2,
    learning_rate=4e-4,
    warmup=0.002,
    zero_stage=3,
    recompute="selective",
    processes=256,
    validate_every=1000,
    save_every=1000,
    on=Hardware(device=H100, count=8, nodes=32),
)
scores = Evaluate(model=base, suite=leaderboard, tasks=OPEN_LLM, dtype="bfloat16", on=Hardware(device=H100))

pipeline = Pipeline(name="olmoe", targets=[base, scores], budget=Budget(usd=400_000), seed=6198)
