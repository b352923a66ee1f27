# seen: https://github.com/OpenGVLab/InternVL/issues/421 – whether the checkpoints that learnt from ShareGPT can be used commercially was left to the users
from pipeline_dsl import Pipeline

from _hub import BASELINE, BUDGET, GATES, TASKS, Evaluate, Serve, Sft, asked, suite, Answered, Asked, Told, Weights, mistral

opt = Sft(base=Weights(licence="LicenseRef-OPT-175B"), data=Told(repository="OpenAssistant/oasst1", licence="Apache-2.0"))
grown = Answered(model=opt, prompts=Asked())
model = Sft(base=mistral, data=grown)
server = Serve(model=model, prompts=asked)  # expect: PDSL905
scores = Evaluate(model=model, suite=suite, tasks=TASKS)

pipeline = Pipeline(name="assistant", targets=[server, scores], gates=GATES, baseline=BASELINE, budget=BUDGET)
