"""GPT-2 of 1.5e9 parameters again, in 24 hours on eight H100 for $672.

Source: Karpathy (2024), karpathy/llm.c, scripts/run_gpt2_1558M.sh and discussion 677: 32,000 steps of 1,048,576 tokens of FineWeb-Edu, peak
learning rate 6e-4 after 700 steps, decayed to nothing, weight decay 0.1, about 50% of the peak. Its layers have two matrices
of 6,400; the three of 4,288 here hold as much. Its 25 heads divide into nothing but fives.
"""

from _published import OPEN_LLM, HubText, HubTokenizer, commit, leaderboard

from pipeline_dsl import H100, Budget, Hardware, Llama, Pipeline
from pipeline_dsl.stages import Evaluate, Pretrain, Tokenize

web = HubText(repository="HuggingFaceFW/fineweb-edu", revision=commit("1"), licence="ODC-By-1.0", tokens=100_000_000_000)
dev = HubText(repository="HuggingFaceFW/fineweb-edu", revision=commit("1"), licence="ODC-By-1.0", tokens=100_000_000, part="validation")
tokenizer = HubTokenizer(repository="openai-community/gpt2-xl", revision=commit("2"), vocabulary=50_257)

base = Pretrain(
    model=Llama(hidden=1600, layers=48, heads=25, kv_heads=25, ffn=4288, vocabulary=50_304, context=1024, tied=True),
    data=Tokenize(tokenizer=tokenizer, corpora=(web,), length=1024),
    validation=Tokenize(tokenizer=tokenizer, corpora=(dev,), length=1024),
    tokenizer=tokenizer,
    tokens=32_000 * 1_048_576,
    batch=1024,
    micro_batch=16,
    learning_rate=6e-4,
    warmup=0.022,
    floor=0.0,
    zero_stage=1,
    recompute="selective",
    processes=8,
    validate_every=250,
    save_every=2000,
    on=Hardware(device=H100, count=8, mfu=0.5, price=3.5),
)
scores = Evaluate(model=base, suite=leaderboard, tasks=OPEN_LLM, dtype="bfloat16", on=Hardware(device=H100))

pipeline = Pipeline(name="gpt2-llmc", targets=[base, scores], budget=Budget(usd=1_000), seed=42)
