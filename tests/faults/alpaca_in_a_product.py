# seen: https://github.com/tatsu-lab/stanford_alpaca/issues/132 – whether products may use a model of data that is CC-BY-NC-4.0; they may not
from pipeline_dsl import Pipeline

from _hub import BASELINE, BUDGET, GATES, TASKS, Evaluate, Serve, Sft, asked, suite, Told, mistral

alpaca = Told(repository="tatsu-lab/alpaca", licence="CC-BY-NC-4.0")
model = Sft(base=mistral, data=alpaca)
server = Serve(model=model, prompts=asked)  # expect: PDSL904
scores = Evaluate(model=model, suite=suite, tasks=TASKS)

pipeline = Pipeline(name="assistant", targets=[server, scores], gates=GATES, baseline=BASELINE, budget=BUDGET, use="commercial")
