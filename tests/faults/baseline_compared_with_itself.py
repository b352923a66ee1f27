# seen: https://github.com/microsoft/pyright/pull/11574 – a change could bring the baseline that it is compared with, and so pass
from pipeline_dsl import Pipeline, baseline, metric

from _parts import after

pipeline = Pipeline(
    name="measured",
    targets=[after],
    gates=[metric("mmlu", of=after) >= baseline - 1],  # expect: PDSL515
    baseline=after,
)
