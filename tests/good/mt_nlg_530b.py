"""MT-NLG: 530e9 parameters on 270e9 tokens, on 560 machines of 8 A100 of 80 GB, without ZeRO.

Source: Smith et al. (2022), arXiv:2201.11990, sections 3.2 and 3.3: 105 layers of width 20,480 with 128 heads, 8 by matrices, 35 by layers,
16 copies, 1,920 rows of 2,048 tokens a step, peak learning rate 5e-5, warm-up over the first 1e9 tokens. Megatron's optimizer keeps fp32
weights whether or not it is divided. Its layers have two matrices of 81,920; the three of 54,656 here hold about as much.
"""

from _published import HubText, HubTokenizer, MegatronPretrain, commit

from pipeline_dsl import A100_80, Budget, Hardware, Llama, Parallel, Pipeline
from pipeline_dsl.stages import Tokenize

pile = HubText(repository="EleutherAI/pile", revision=commit("1"), licence="LicenseRef-pile", tokens=339_000_000_000)
dev = HubText(repository="EleutherAI/pile-dev", revision=commit("1"), licence="LicenseRef-pile", tokens=50_000_000)
tokenizer = HubTokenizer(repository="openai-community/gpt2", revision=commit("2"), vocabulary=50_257)

base = MegatronPretrain(  # pdsl: allow[PDSL341] of 2021, before compute-optimal training was understood
    model=Llama(hidden=20_480, layers=105, heads=128, kv_heads=128, ffn=54_656, vocabulary=51_200, context=2048, tied=True),
    data=Tokenize(tokenizer=tokenizer, corpora=(pile,), length=2048),
    validation=Tokenize(tokenizer=tokenizer, corpora=(dev,), length=2048),
    tokenizer=tokenizer,
    tokens=270_000_000_000,
    batch=1920,
    micro_batch=1,
    learning_rate=5e-5,
    warmup=0.004,
    parallel=Parallel(tensor=8, pipeline=35),
    zero_stage=0,
    recompute="full",
    attention="eager",
    processes=4480,
    validate_every=1000,
    save_every=60,
    on=Hardware(device=A100_80, count=8, nodes=560),
)

pipeline = Pipeline(name="mt-nlg", targets=[base], budget=Budget(usd=20_000_000), seed=1)
