# seen: https://github.com/scikit-learn/scikit-learn/issues/9185 – scoring='accuarcy' was taken until the search was fitted
from pipeline_dsl import Pipeline, metric

from _parts import after

pipeline = Pipeline(
    name="measured",
    targets=[after],
    gates=[
        metric("cost_total_usd") <= 500,
        metric("mmul") >= 50,  # expect: PDSL502
    ],
)
