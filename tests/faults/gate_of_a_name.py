from pipeline_dsl import Pipeline, metric

from _parts import after

pipeline = Pipeline(
    name="measured",
    targets=[after],
    gates=[
        metric("mmlu", of="after") >= 50,  # expect: PDSL206
    ],
)
