# seen: https://github.com/nickrosh/evol-teacher/issues/5 – a data set released as Apache-2.0 was grown from one that is not for commercial use
from pipeline_dsl import Pipeline

from _hub import BASELINE, BUDGET, GATES, TASKS, Evaluate, Serve, Sft, asked, suite, Answered, Asked, Told, mistral

teacher = Sft(base=mistral, data=Told(repository="tatsu-lab/alpaca", licence="CC-BY-NC-4.0"))
grown = Answered(model=teacher, prompts=Asked())
model = Sft(base=mistral, data=grown)
server = Serve(model=model, prompts=asked)  # expect: PDSL904
scores = Evaluate(model=model, suite=suite, tasks=TASKS)

pipeline = Pipeline(name="assistant", targets=[server, scores], gates=GATES, baseline=BASELINE, budget=BUDGET, use="commercial")
