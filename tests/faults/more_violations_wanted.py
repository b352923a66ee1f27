from pipeline_dsl import Pipeline, metric

from _parts import after

pipeline = Pipeline(
    name="measured",
    targets=[after],
    gates=[metric("safety_violation_rate") >= 0.05],  # expect: PDSL503
)
