# seen: https://github.com/allenai/open-instruct/pull/259 – MMLU 0.674 without and 0.407 in the chat template, of one model
from pipeline_dsl import Pipeline, baseline, metric
from pipeline_dsl.stages import Evaluate, Task

from _parts import before, policy, suite

after = Evaluate(
    model=policy,
    suite=suite,
    tasks=(Task(name="mmlu", chat=True),),  # expect: PDSL235
)

pipeline = Pipeline(name="compared", targets=[after], gates=[metric("mmlu") >= baseline - 6], baseline=before)
