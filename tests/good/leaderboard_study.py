"""Four published base models, asked alike: nothing is trained, and nothing ships.

Source: the settings of the Open LLM Leaderboard (Beeching et al., 2023); the shapes from the models' own configurations.
"""

from _published import OPEN_LLM, HubModel, commit, leaderboard

from pipeline_dsl import H100, Budget, Hardware, Llama, Pipeline
from pipeline_dsl.stages import Evaluate

MODELS = {
    "mistralai/Mistral-7B-v0.1": Llama(hidden=4096, layers=32, heads=32, kv_heads=8, ffn=14_336, vocabulary=32_000, context=32_768),
    "meta-llama/Llama-3.1-8B": Llama(hidden=4096, layers=32, heads=32, kv_heads=8, ffn=14_336, vocabulary=128_256, context=131_072),
    "allenai/OLMo-2-1124-7B": Llama(hidden=4096, layers=32, heads=32, kv_heads=32, ffn=11_008, vocabulary=100_352, context=4096),
    "HuggingFaceTB/SmolLM2-1.7B": Llama(
        hidden=2048, layers=24, heads=32, kv_heads=32, ffn=8192, vocabulary=49_152, context=8192, tied=True
    ),
}

reports = [
    Evaluate(
        model=HubModel(repository=repository, revision=commit(str(number)), licence="LicenseRef-its-own", model=model),
        suite=leaderboard,
        tasks=OPEN_LLM,
        dtype="bfloat16",
    )
    for number, (repository, model) in enumerate(MODELS.items(), 1)
]

pipeline = Pipeline(name="leaderboard-study", targets=reports, budget=Budget(usd=2_000), on=Hardware(device=H100, count=8))
