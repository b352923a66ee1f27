# seen: https://github.com/openrecycle/dataset/issues/3 – without a licence all rights are reserved; the data set had to be left out
from pipeline_dsl import Pipeline

from _hub import BASELINE, BUDGET, GATES, TASKS, Evaluate, Serve, Sft, asked, suite, Told, mistral

collected = Told(repository="openrecycle/dataset", licence="LicenseRef-from-the-web")
model = Sft(base=mistral, data=collected)
server = Serve(model=model, prompts=asked)  # expect: PDSL906
scores = Evaluate(model=model, suite=suite, tasks=TASKS)

pipeline = Pipeline(name="assistant", targets=[server, scores], gates=GATES, baseline=BASELINE, budget=BUDGET, use="commercial")
