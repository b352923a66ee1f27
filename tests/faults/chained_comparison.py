from pipeline_dsl import Pipeline, metric

from _parts import after

pipeline = Pipeline(
    name="measured",
    targets=[after],
    gates=[
        50 <= metric("mmlu") <= 95,  # expect: PDSL101
    ],
)
