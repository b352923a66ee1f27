from pipeline_dsl import Pipeline, metric

from _parts import after

pipeline = Pipeline(
    name="measured",
    targets=[after],
    gates=[metric("mmlu") >= 50, "looks good to the reviewer"],  # expect: PDSL509
)
