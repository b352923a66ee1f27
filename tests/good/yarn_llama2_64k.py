"""YaRN: Llama 2 7B goes on for 400 steps on rows of 65,536 tokens, sixteen times what it was trained on.

Source: Peng et al. (2023), arXiv:2309.00071, section 4.1: 2e-5 after 20 steps, no weight decay, 64 rows a step of PG19 cut into
pieces of 64k tokens, FSDP and FlashAttention-2. The machines are ours: 16 A100 hold it.
"""

import attrs
from _published import OPEN_LLM, ContinuePretrain, HubModel, HubText, HubTokenizer, commit, leaderboard

from pipeline_dsl import A100_80, Budget, Hardware, Llama, Pipeline
from pipeline_dsl.stages import Evaluate, Tokenize

WIDE = 65_536
llama = Llama(hidden=4096, layers=32, heads=32, kv_heads=32, ffn=11_008, vocabulary=32_000, context=4096)

llama2 = HubModel(repository="meta-llama/Llama-2-7b-hf", revision=commit("1"), licence="LicenseRef-llama2", model=llama)
books = HubText(repository="emozilla/pg19", revision=commit("2"), licence="Apache-2.0", tokens=2_900_000_000)
dev = HubText(repository="emozilla/pg19", revision=commit("2"), licence="Apache-2.0", tokens=4_000_000, part="validation")
tokenizer = HubTokenizer(repository="meta-llama/Llama-2-7b-hf", revision=commit("1"), vocabulary=32_000)

longer = ContinuePretrain(
    base=llama2,
    model=attrs.evolve(llama, context=WIDE),
    data=Tokenize(tokenizer=tokenizer, corpora=(books,), length=WIDE),
    validation=Tokenize(tokenizer=tokenizer, corpora=(dev,), length=WIDE),
    tokenizer=tokenizer,
    tokens=400 * 64 * WIDE,
    batch=64,
    micro_batch=1,
    learning_rate=2e-5,
    warmup=0.05,
    floor=1.0,
    weight_decay=0.0,
    zero_stage=3,
    recompute="full",
    attention="flash_attention_2",
    processes=16,
    validate_every=100,
    validate_on=32,
    save_every=50,
    on=Hardware(device=A100_80, count=8, nodes=2),
)
scores = Evaluate(model=longer, suite=leaderboard, tasks=OPEN_LLM, dtype="bfloat16", on=Hardware(device=A100_80))

pipeline = Pipeline(name="yarn-llama2-64k", targets=[longer, scores], budget=Budget(usd=5_000), seed=42)
