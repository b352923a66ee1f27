# seen: https://github.com/lm-sys/FastChat/issues/321 – whether the demonstration may go into a product was asked after it was up: its data says no
from pipeline_dsl import Pipeline

from _hub import BASELINE, BUDGET, GATES, TASKS, Evaluate, Serve, Sft, asked, suite, Told, mistral

alpaca = Told(repository="tatsu-lab/alpaca", licence="CC-BY-NC-4.0")
model = Sft(base=mistral, data=alpaca)
server = Serve(model=model, prompts=asked)  # expect: PDSL905
scores = Evaluate(model=model, suite=suite, tasks=TASKS)

pipeline = Pipeline(name="assistant", targets=[server, scores], gates=GATES, baseline=BASELINE, budget=BUDGET)
