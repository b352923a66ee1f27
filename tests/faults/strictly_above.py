# seen: https://github.com/vmware-tanzu/vm-operator/pull/562 – 79.85 was shown as 80 and failed: is the threshold itself in or out?
from pipeline_dsl import Pipeline, metric

from _parts import after

pipeline = Pipeline(
    name="measured",
    targets=[after],
    gates=[metric("mmlu") > 50],  # expect: PDSL101
)
