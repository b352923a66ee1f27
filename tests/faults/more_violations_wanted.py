# seen: https://github.com/NVIDIA/NVFlare/pull/4939 – key_metric was a loss, and the round with the highest was kept as the best model
from pipeline_dsl import Pipeline, metric

from _parts import after

pipeline = Pipeline(
    name="measured",
    targets=[after],
    gates=[metric("safety_violation_rate") >= 0.05],  # expect: PDSL503
)
