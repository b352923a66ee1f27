"""Llama 3.1 70B Instruct in 4 bits for TensorRT-LLM: AWQ with groups of 128, so that one node of H100 answers with it.

Source: Lin et al. (2023), arXiv:2306.00978 (AWQ, groups of 128); NVIDIA/TensorRT-LLM, examples/quantization: 512 rows of CNN/DailyMail
for calibration. MMLU 83.6 of the whole model from its card (there asked with chain of thought).
"""

from _published import OPEN_LLM, SAFETY, HubInstruct, HubText, commit, leaderboard, red_team

from pipeline_dsl import H100, Budget, Hardware, Llama, Pipeline, baseline, metric
from pipeline_dsl.stages import Evaluate, Quantize

node = Hardware(device=H100, count=8)

instruct = HubInstruct(
    repository="meta-llama/Llama-3.1-70B-Instruct",
    revision=commit("1"),
    licence="LicenseRef-llama3.1",
    model=Llama(hidden=8192, layers=80, heads=64, kv_heads=8, ffn=28_672, vocabulary=128_256, context=131_072),
)
news = HubText(repository="abisee/cnn_dailymail", revision=commit("2"), licence="Apache-2.0", tokens=300_000_000)

quantized = Quantize(
    model=instruct,
    calibration=news,
    suite=leaderboard,
    tasks=OPEN_LLM[2:3],
    runtime="tensorrt-llm",
    samples=512,
    length=512,
    documents=2_000,
    on=node,
)
before = Evaluate(model=instruct, suite=leaderboard, tasks=OPEN_LLM, dtype="bfloat16", on=node)
after = Evaluate(model=quantized, suite=leaderboard, tasks=OPEN_LLM, dtype="bfloat16", on=node)
safety = Evaluate(model=quantized, suite=red_team, tasks=SAFETY, dtype="bfloat16", on=node)

pipeline = Pipeline(
    name="llama3-70b-tensorrt",
    targets=[after, safety],
    ships=quantized,
    baseline=before,
    gates=[
        metric("mmlu") >= baseline - 2,
        metric("quantization_accuracy_delta") >= -3,
        metric("safety_violation_rate") <= 0.3,
        metric("cost_total_usd") <= 1_500,
    ],
    budget=Budget(usd=2_000),
)
