"""OLMo 7B on LUMI: 2.46e12 tokens of Dolma on 256 nodes of four MI250X.

Source: Groeneveld et al. (2024), arXiv:2402.00838, sections 2 and 3: FSDP over 1,024 cards, 4M tokens a step in rows of 2,048, peak
learning rate 3e-4 after 5,000 steps, a vocabulary of 50,280 padded to 50,304.
"""

from _published import OPEN_LLM, HubText, HubTokenizer, commit, leaderboard

from pipeline_dsl import MI250X, Budget, Hardware, Llama, Pipeline
from pipeline_dsl.stages import Evaluate, Pretrain, Tokenize

dolma = HubText(repository="allenai/dolma", revision=commit("1"), licence="ODC-By-1.0", tokens=2_460_000_000_000)
dev = HubText(repository="allenai/paloma", revision=commit("3"), licence="LicenseRef-AI2-ImpACT", tokens=40_000_000)
tokenizer = HubTokenizer(repository="allenai/eleuther-ai-gpt-neox-20b-pii-special", revision=commit("4"), vocabulary=50_280)

base = Pretrain(
    model=Llama(hidden=4096, layers=32, heads=32, kv_heads=32, ffn=11_008, vocabulary=50_304, context=2048),
    data=Tokenize(tokenizer=tokenizer, corpora=(dolma,), length=2048),
    validation=Tokenize(tokenizer=tokenizer, corpora=(dev,), length=2048),
    tokenizer=tokenizer,
    tokens=2_460_000_000_000,
    batch=2048,
    micro_batch=2,
    learning_rate=3e-4,
    warmup=0.0085,
    zero_stage=3,
    recompute="selective",
    processes=1024,
    validate_every=1000,
    save_every=1000,
    on=Hardware(device=MI250X, count=4, nodes=256),
)
scores = Evaluate(model=base, suite=leaderboard, tasks=OPEN_LLM, dtype="bfloat16", on=Hardware(device=MI250X))

pipeline = Pipeline(name="olmo-7b-lumi", targets=[base, scores], budget=Budget(usd=2_000_000), seed=6198)
