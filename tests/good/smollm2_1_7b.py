"""SmolLM2-1.7B: 11e12 tokens for a model of 1.7e9 parameters, far past compute-optimal, because it is small to run.

Source: Ben Allal et al. (2025), arXiv:2502.02737, sections 3 and 4: 256 H100, 2M tokens a step in rows of 2,048, peak
learning rate 5e-4 after 2,000 steps, decayed to nothing over the last tenth; about 1e23 FLOPs and $250,000.
"""

from _published import OPEN_LLM, HubText, HubTokenizer, commit, leaderboard

from pipeline_dsl import H100, Budget, Hardware, Llama, Pipeline
from pipeline_dsl.stages import Evaluate, Pretrain, Tokenize

edu = HubText(repository="HuggingFaceFW/fineweb-edu", revision=commit("6"), licence="ODC-By-1.0", tokens=1_300_000_000_000)
dclm = HubText(repository="mlfoundations/dclm-baseline-1.0", revision=commit("6"), licence="CC-BY-4.0", tokens=3_800_000_000_000)
code = HubText(repository="HuggingFaceTB/stack-edu", revision=commit("6"), licence="LicenseRef-various", tokens=125_000_000_000)
dev = HubText(repository="HuggingFaceTB/smollm2-dev", revision=commit("6"), licence="ODC-By-1.0", tokens=20_000_000)
tokenizer = HubTokenizer(repository="HuggingFaceTB/SmolLM2-1.7B", revision=commit("7"), vocabulary=49_152)

base = Pretrain(
    model=Llama(hidden=2048, layers=24, heads=32, kv_heads=32, ffn=8192, vocabulary=49_152, context=2048, tied=True),
    data=Tokenize(tokenizer=tokenizer, corpora=(edu, dclm, code), repeats=(3.0, 1.7, 3.0), length=2048),
    validation=Tokenize(tokenizer=tokenizer, corpora=(dev,), length=2048),
    tokenizer=tokenizer,
    tokens=11_000_000_000_000,
    batch=1024,
    micro_batch=4,
    learning_rate=5e-4,
    warmup=0.0004,
    floor=0.0,
    zero_stage=1,
    recompute="selective",
    processes=256,
    validate_every=2000,
    save_every=2000,
    on=Hardware(device=H100, count=8, nodes=32),
)
scores = Evaluate(model=base, suite=leaderboard, tasks=OPEN_LLM, dtype="bfloat16", on=Hardware(device=H100))

pipeline = Pipeline(name="smollm2", targets=[base, scores], budget=Budget(usd=400_000), seed=42)
