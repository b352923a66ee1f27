# seen: https://github.com/lm-sys/FastChat/issues/642 – a model for commercial use was trained on conversations with ChatGPT, whose terms forbid that
from pipeline_dsl import Pipeline

from _hub import BASELINE, BUDGET, GATES, TASKS, Evaluate, Serve, Sft, asked, suite, Told, mistral

shared = Told(repository="anon8231489123/ShareGPT_Vicuna", licence="LicenseRef-OpenAI-terms-of-use")
model = Sft(base=mistral, data=shared)
server = Serve(model=model, prompts=asked)  # expect: PDSL904
scores = Evaluate(model=model, suite=suite, tasks=TASKS)

pipeline = Pipeline(name="assistant", targets=[server, scores], gates=GATES, baseline=BASELINE, budget=BUDGET, use="commercial")
