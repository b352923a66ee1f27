# seen: https://github.com/uberspot/OpenTriviaQA/issues/11 – the questions were scraped from sites that hold the rights, whatever the file said
from pipeline_dsl import Pipeline

from _hub import BASELINE, BUDGET, GATES, TASKS, Evaluate, Serve, Sft, asked, suite, Told, mistral

trivia = Told(repository="uberspot/OpenTriviaQA", licence="NOASSERTION")
model = Sft(base=mistral, data=trivia)
server = Serve(model=model, prompts=asked)  # expect: PDSL906
scores = Evaluate(model=model, suite=suite, tasks=TASKS)

pipeline = Pipeline(name="assistant", targets=[server, scores], gates=GATES, baseline=BASELINE, budget=BUDGET, use="commercial")
