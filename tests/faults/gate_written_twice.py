# seen: https://github.com/snowflakedb/ArcticTraining/issues/85 – max_length was written twice in the configuration; the last one won without a word
from pipeline_dsl import Pipeline, metric

from _parts import after

pipeline = Pipeline(
    name="measured",
    targets=[after],
    gates=[
        metric("cost_total_usd") <= 500,
        metric("mmlu") >= 50,
        metric("cost_total_usd") <= 800,  # expect: PDSL513
    ],
)
