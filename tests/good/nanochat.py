"""The $100 speedrun of nanochat: from raw text to a model that one can talk to, in 3 h 51 min on eight H100 at $24 an hour.

Source: Karpathy (2025), karpathy/nanochat, speedrun.sh and its README: a vocabulary of 65,536 of its own, 20 layers of 1,280, 561M
parameters on 11.2e9 tokens in steps of 524,288, mid-training on SmolTalk, fine-tuning on 21,400 dialogues. Matrices are
trained with Muon at 0.02. Its layers have two matrices of 5,120; the three of 3,456 here hold as much.
"""

from _published import OPEN_LLM, HubChats, HubText, commit, leaderboard

from pipeline_dsl import (
    CPU_CORE,
    H100,
    Budget,
    Chats,
    Checkpoint,
    Count,
    Hardware,
    Llama,
    Pipeline,
    Positive,
    Ref,
    Size,
    Sizes,
    Stage,
    Work,
    Workspace,
    metric,
)
from pipeline_dsl.base.units import Flops
from pipeline_dsl.stages import Evaluate, Pretrain, Sft, Tokenize, TrainTokenizer


class MuonPretrain(Pretrain):
    """Pre-training whose matrices are updated by Muon (Jordan et al., 2024), and the embeddings by AdamW."""


class Midtrain(Stage[Checkpoint]):
    """Go on from a base model with rendered dialogues and choices, before it learns to answer."""

    base: Ref[Checkpoint]
    data: Ref[Chats]
    learning_rate: Positive
    tokens_per_row: Count

    def size(self, sizes: Sizes) -> Size:
        return sizes[self.base]

    def cost(self, sizes: Sizes) -> Work:
        model, rows = sizes[self.base].model, sizes[self.data].examples
        if model is None or rows is None:
            return Work(unknown="the model's size")
        return Work(flops=Flops(6 * model.matmul_parameters * rows * self.tokens_per_row))

    def run(self, work: Workspace) -> Checkpoint:
        raise NotImplementedError


node = Hardware(device=H100, count=8, price=3.0, mfu=0.45, time_limit=4)
cores = Hardware(device=CPU_CORE, count=32)

shards = HubText(repository="karpathy/fineweb-edu-100b-shuffle", revision=commit("1"), licence="ODC-By-1.0", tokens=11_400_000_000)
dev = HubText(
    repository="karpathy/fineweb-edu-100b-shuffle", revision=commit("1"), licence="ODC-By-1.0", tokens=50_000_000, part="validation"
)
dialogues = HubChats(repository="HuggingFaceTB/smol-smoltalk", revision=commit("2"), licence="Apache-2.0", examples=568_000)
selected = HubChats(repository="karpathy/nanochat-sft", revision=commit("3"), licence="MIT", examples=21_400)

tokenizer = TrainTokenizer(corpora=(shards,), vocabulary=65_536, on=cores)
base = MuonPretrain(
    model=Llama(hidden=1280, layers=20, heads=10, kv_heads=10, ffn=3456, vocabulary=65_536, context=2048),
    data=Tokenize(tokenizer=tokenizer, corpora=(shards,), length=2048, on=cores),
    validation=Tokenize(tokenizer=tokenizer, corpora=(dev,), length=2048, on=cores),
    tokenizer=tokenizer,
    tokens=11_200_000_000,
    batch=256,
    micro_batch=32,
    learning_rate=0.02,
    warmup=0.0,
    floor=0.0,
    weight_decay=0.0,
    zero_stage=1,
    recompute="selective",
    processes=8,
    validate_every=250,
    save_every=2000,
    on=node,
)
mid = Midtrain(base=base, data=dialogues, learning_rate=0.02, tokens_per_row=700, on=node)
chat = Sft(
    base=mid,
    data=selected,
    epochs=1,
    batch=32,
    micro_batch=4,
    learning_rate=4e-4,
    zero_stage=1,
    processes=8,
    max_length=2048,
    tokens_per_row=400,
    on=node,
)
scores = Evaluate(model=chat, suite=leaderboard, tasks=OPEN_LLM, dtype="bfloat16", on=node)

pipeline = Pipeline(
    name="nanochat",
    targets=[scores],
    gates=[metric("cost_total_usd") <= 150],
    budget=Budget(usd=200),
    seed=42,
)
