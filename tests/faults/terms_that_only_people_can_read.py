# seen: https://github.com/murong-xu/CADS/issues/3 – weights were released as CC BY, the terms of one data set keep trained models from commercial use
from pipeline_dsl import Pipeline
from pipeline_dsl.lang.label import Terms

from _hub import BASELINE, BUDGET, GATES, TASKS, Evaluate, Serve, Sft, asked, Told, suite, mistral



class Agreed(Told):
    """Conversations under an agreement that has no identifier."""

    terms: Terms | None = None


visceral = Agreed(repository="visceral", licence="LicenseRef-visceral-agreement", terms="non-commercial")
model = Sft(base=mistral, data=visceral)
server = Serve(model=model, prompts=asked)  # expect: PDSL904
scores = Evaluate(model=model, suite=suite, tasks=TASKS)

pipeline = Pipeline(name="assistant", targets=[server, scores], gates=GATES, baseline=BASELINE, budget=BUDGET, use="commercial")
