# seen: https://github.com/lbox-kr/lbox-open/issues/14 – a corpus for training was under a licence without derivatives, until somebody asked
from pipeline_dsl import Pipeline

from _hub import BASELINE, BUDGET, GATES, TASKS, Evaluate, Serve, Sft, asked, suite, Told, mistral

rulings = Told(repository="lbox/lbox_open", licence="CC-BY-NC-ND-4.0")
model = Sft(base=mistral, data=rulings)
server = Serve(model=model, prompts=asked)  # expect: PDSL904
scores = Evaluate(model=model, suite=suite, tasks=TASKS)

pipeline = Pipeline(name="assistant", targets=[server, scores], gates=GATES, baseline=BASELINE, budget=BUDGET, use="commercial")
