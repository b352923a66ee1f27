# seen: https://github.com/Clin0212/HydraLoRA/issues/16 – 38.88 on MMLU and 45.3 on MMLU: no shots, and five
from pipeline_dsl import Pipeline, baseline, metric
from pipeline_dsl.stages import Evaluate, Task

from _parts import before, policy, suite

after = Evaluate(
    model=policy,
    suite=suite,
    tasks=(Task(name="mmlu", shots=5),),  # expect: PDSL235
)

pipeline = Pipeline(name="compared", targets=[after], gates=[metric("mmlu") >= baseline - 6], baseline=before)
