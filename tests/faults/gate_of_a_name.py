# seen: https://github.com/keras-team/keras/issues/19334 – a metric was given by its name: could not interpret metric identifier
from pipeline_dsl import Pipeline, metric

from _parts import after

pipeline = Pipeline(
    name="measured",
    targets=[after],
    gates=[
        metric("mmlu", of="after") >= 50,  # expect: PDSL206
    ],
)
