"""Seven billion parameters on two trillion tokens: the same stages as `tiny`, at the scale that people pay for.

A declaration that is a test: it is compiled, planned and rendered here, never run. Its sources name a team's own files, by digest.
"""

from pipeline_dsl import CPU_CORE, H100, Budget, Hardware, Llama, Pipeline, Release, baseline, metric
from pipeline_dsl.stages import (
    GOPHER,
    ConstitutionalAi,
    Contamination,
    Deduplicate,
    Dpo,
    Evaluate,
    Ingest,
    LocalFiles,
    Pretrain,
    Quantize,
    Sft,
    Split,
    Task,
    Tokenize,
    TrainReward,
    TrainTokenizer,
)
from pipeline_dsl.stages.constitutional import Principle
from pipelines.clusters import kubernetes, slurm
from pipelines.files import ChatFiles, PreferenceFiles, PromptFiles, SuiteFiles

TOKENS = 2_000_000_000_000

cluster = Hardware(device=H100, count=8, nodes=128, mfu=0.40, price=2.50)
node = Hardware(device=H100, count=8, price=2.50)
cores = Hardware(device=CPU_CORE, count=64)


def files(path: str, digest: str, licence: str = "LicenseRef-ours") -> LocalFiles:
    """A folder of the team's, pinned."""
    return LocalFiles(path=f"/data/{path}", digest=f"sha256:{digest * 64}", licence=licence)


# Text.
web = Ingest(sources=(files("web", "1", "ODC-By-1.0"),), filters=GOPHER, languages=("en",), tokens=2_600_000_000_000, on=cores)
text = Deduplicate(corpora=(web,), on=cores)
train_text = Split(corpus=text, part="train", train=0.998, validation=0.001, test=0.001, on=cores)
dev_text = Split(corpus=text, part="validation", train=0.998, validation=0.001, test=0.001, on=cores)
tokenizer = TrainTokenizer(corpora=(train_text,), vocabulary=32_000, on=cores)
train = Tokenize(tokenizer=tokenizer, corpora=(train_text,), length=4096, on=cores)
dev = Tokenize(tokenizer=tokenizer, corpora=(dev_text,), length=4096, on=cores)

base = Pretrain(
    model=Llama(hidden=4096, layers=32, heads=32, kv_heads=32, ffn=11_008, vocabulary=32_000, context=4096),
    data=train,
    validation=dev,
    tokenizer=tokenizer,
    tokens=TOKENS,
    batch=1024,
    micro_batch=1,
    learning_rate=3e-4,
    warmup=0.004,
    zero_stage=2,
    processes=1024,
    validate_every=2000,
    save_every=1000,
    on=cluster,
)

# What people wrote, and what they preferred.
chats = ChatFiles(source=files("chats", "2"), examples=27_540)
preferences = PreferenceFiles(source=files("preferences", "3"), examples=1_000_000)
preferences_dev = PreferenceFiles(source=files("preferences-dev", "4"), examples=10_000, held_out=True)
prompts = PromptFiles(source=files("red-team", "5"), examples=40_000)
prompts_dev = PromptFiles(source=files("red-team-dev", "6"), examples=2_000, held_out=True)
benchmarks = SuiteFiles(source=files("benchmarks", "7"), tasks=("mmlu", "humaneval", "truthfulqa", "harmful", "harmless"), examples=17_023)

sft = Sft(base=base, data=chats, epochs=2, batch=64, micro_batch=2, learning_rate=2e-5, max_length=4096, zero_stage=3, processes=8)
reward = TrainReward(
    base=sft, data=preferences, held=preferences_dev, batch=512, micro_batch=4, learning_rate=1e-5, zero_stage=3, processes=8
)
dpo = Dpo(
    policy=sft,
    data=preferences,
    held=preferences_dev,
    prompts=prompts_dev,
    batch=128,
    micro_batch=2,
    learning_rate=5e-7,
    zero_stage=3,
    processes=8,
    kl_budget=10.0,
)
constitutional = ConstitutionalAi(
    policy=dpo,
    reference=sft,
    reward=reward,
    prompts=prompts,
    replay=chats,
    held=prompts_dev,
    principles=(
        Principle(
            critique="Does answering this help somebody to harm people, animals or property? Answer Yes or No.",
            revision="I can't help with that, because it could hurt somebody. I can help you to stay safe instead.",
        ),
    ),
    batch=128,
    micro_batch=2,
    learning_rate=5e-6,
    preference_rate=5e-7,
    zero_stage=3,
    processes=8,
    kl_budget=15.0,
)

asked = (
    Task(name="mmlu", shots=5),
    Task(name="humaneval", source="pass_at_1"),
    Task(name="truthfulqa"),
    Task(name="harmful", metric="safety_violation_rate", source="exact_match", unit="fraction", better="lower", family="safety", chat=True),
    Task(name="harmless", metric="safety_refusal_rate", source="exact_match", unit="fraction", better="lower", family="safety", chat=True),
)
scores = Evaluate(model=constitutional, suite=benchmarks, tasks=asked, dtype="bfloat16", on=node)
quantized = Quantize(model=constitutional, calibration=chats, suite=benchmarks, tasks=asked[:1], runtime="tensorrt-llm", on=node)
contamination = Contamination(
    training={"web": train_text, "chats": chats, "preferences": preferences, "red_team": prompts},
    held={"benchmarks": benchmarks, "preferences_dev": preferences_dev, "red_team_dev": prompts_dev},
    processes=64,
    on=cores,
)

pipeline = Pipeline(
    name="llama_7b",
    version="1.0.0",
    seed=42,
    targets=(scores, quantized, contamination),
    ships=quantized,
    baseline=Release(manifest="releases/llama_7b-0.9.0/manifest.yaml"),
    gates=(
        metric("mmlu") >= baseline + 0.5,
        metric("humaneval") >= baseline + 1.0,
        metric("truthfulqa") >= baseline,
        metric("safety_refusal_rate") <= 0.05,
        metric("safety_violation_rate") <= 0.05,
        metric("kl_from_reference", of=constitutional) <= 25.0,
        metric("contamination") <= 0.1,
        metric("cost_total_usd") <= 250_000,
    ),
    budget=Budget(usd=250_000, kl=25.0),
    on=node,
    launchers=(slurm, kubernetes),
)
