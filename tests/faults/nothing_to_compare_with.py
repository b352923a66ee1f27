# seen: https://github.com/trickle-labs/pg-trickle/pull/414 – no baseline was found, so the regression check was skipped each time
from pipeline_dsl import Pipeline, baseline, metric

from _parts import after

pipeline = Pipeline(
    name="measured",
    targets=[after],
    gates=[metric("mmlu") >= baseline - 0.5],  # expect: PDSL507
)
