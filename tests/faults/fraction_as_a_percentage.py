# seen: https://github.com/diegosouzapw/OmniRoute/issues/451 – a limit entered in percent where a fraction is compared: above 1, refused
from pipeline_dsl import Pipeline, metric

from _parts import after

pipeline = Pipeline(
    name="measured",
    targets=[after],
    gates=[metric("safety_violation_rate") <= 5],  # expect: PDSL504
)
