# seen: https://github.com/coleifer/peewee/issues/424 – `a == 2 and b == 3` between expressions kept the second one only
from pipeline_dsl import Pipeline, metric

from _parts import after

pipeline = Pipeline(
    name="measured",
    targets=[after],
    gates=[metric("mmlu") >= 50 and metric("cost_total_usd") <= 500],  # expect: PDSL101
)
