"""OLMo 2 7B, first stage: 7.3e9 parameters on 3.9e12 tokens of the OLMo-mix.

Source: OLMo team (2025), arXiv:2501.00656, section 3: 4M tokens a step in rows of 4,096, peak learning rate 3e-4 after
2,000 steps, a vocabulary of 100,278 padded to 100,352; MMLU 63.7 after the second stage.
"""

from _published import OPEN_LLM, HubText, HubTokenizer, commit, leaderboard

from pipeline_dsl import H100, Budget, Hardware, Llama, Pipeline
from pipeline_dsl.stages import Evaluate, Pretrain, Tokenize

web = HubText(repository="allenai/olmo-mix-1124", revision=commit("3"), licence="ODC-By-1.0", tokens=3_900_000_000_000)
dev = HubText(repository="allenai/paloma", revision=commit("3"), licence="LicenseRef-AI2-ImpACT", tokens=40_000_000)
tokenizer = HubTokenizer(repository="allenai/dolma2-tokenizer", revision=commit("4"), vocabulary=100_278)

base = Pretrain(
    model=Llama(hidden=4096, layers=32, heads=32, kv_heads=32, ffn=11_008, vocabulary=100_352, context=4096),
    data=Tokenize(tokenizer=tokenizer, corpora=(web,), length=4096),
    validation=Tokenize(tokenizer=tokenizer, corpora=(dev,), length=4096),
    tokenizer=tokenizer,
    tokens=3_900_000_000_000,
    batch=1024,
    micro_batch=2,
    learning_rate=3e-4,
    warmup=0.0022,
    weight_decay=0.1,
    zero_stage=3,
    recompute="selective",
    processes=512,
    validate_every=1000,
    save_every=1000,
    on=Hardware(device=H100, count=8, nodes=64),
)
scores = Evaluate(model=base, suite=leaderboard, tasks=OPEN_LLM, dtype="bfloat16", on=Hardware(device=H100))

pipeline = Pipeline(name="olmo2-7b", targets=[base, scores], budget=Budget(usd=2_500_000), seed=6198)
