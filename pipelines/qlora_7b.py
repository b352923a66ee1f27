"""Seven billion parameters taught to answer on one GPU of 24 GB, by adapters beside 4-bit weights.

The shape is that of Mistral 7B (Jiang et al., 2023, arXiv:2310.06825); the recipe that of QLoRA (Dettmers et al., 2023,
arXiv:2305.14314). It ships nothing, so it needs no gates. A declaration that is a test: compiled, planned and rendered here, never run.
"""

from pipeline_dsl import RTX_4090, Budget, Hardware, Llama, Lora, Pipeline, Slurm, SlurmJob
from pipeline_dsl.stages import Evaluate, LoraSft, MergeSft, Task
from pipelines.files import ChatFiles, ModelFiles, SuiteFiles
from pipelines.llama_7b import files

card = Hardware(device=RTX_4090)

base = ModelFiles(
    source=files("mistral-7b", "b", "Apache-2.0"),
    model=Llama(hidden=4096, layers=32, heads=32, kv_heads=8, ffn=14_336, vocabulary=32_000, context=32_768),
)
chats = ChatFiles(source=files("chats", "2"), examples=10_000)
benchmarks = SuiteFiles(source=files("benchmarks", "7"), tasks=("mmlu",), examples=14_042)

adapter = LoraSft(
    base=base,
    data=chats,
    lora=Lora(rank=64, alpha=16.0, dropout=0.1, base="nf4"),
    batch=16,
    micro_batch=1,
    learning_rate=2e-4,
    zero_stage=0,
    recompute="full",
    max_length=2048,
    tokens_per_row=600,
)
model = MergeSft(base=base, adapter=adapter)
scores = Evaluate(model=model, suite=benchmarks, tasks=(Task(name="mmlu", shots=5),), dtype="bfloat16")

pipeline = Pipeline(
    name="qlora_7b",
    version="1.0.0",
    seed=42,
    targets=(scores,),
    budget=Budget(usd=100),
    on=card,
    launchers=(Slurm(gpu=SlurmJob(partition="desk", time="12:00:00", memory="64G")),),
)
