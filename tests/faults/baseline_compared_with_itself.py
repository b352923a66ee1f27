from pipeline_dsl import Pipeline, baseline, metric

from _parts import after

pipeline = Pipeline(
    name="measured",
    targets=[after],
    gates=[metric("mmlu", of=after) >= baseline - 1],  # expect: PDSL515
    baseline=after,
)
