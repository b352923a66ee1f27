from pipeline_dsl import Pipeline, metric

from _parts import after

pipeline = Pipeline(
    name="measured",
    targets=[after],
    gates=[metric("safety_violation_rate") <= 5],  # expect: PDSL504
)
