# seen: https://github.com/lm-sys/FastChat/issues/243 – the code was Apache-2.0, the LLaMA weights that the model came from were for research alone
from pipeline_dsl import Pipeline

from _hub import BASELINE, BUDGET, GATES, TASKS, Evaluate, Serve, Sft, asked, suite, Told, Weights

llama = Weights(licence="LicenseRef-LLaMA-1")
chats = Told(repository="OpenAssistant/oasst1", licence="Apache-2.0")
model = Sft(base=llama, data=chats)
server = Serve(model=model, prompts=asked)  # expect: PDSL904
scores = Evaluate(model=model, suite=suite, tasks=TASKS)

pipeline = Pipeline(name="assistant", targets=[server, scores], gates=GATES, baseline=BASELINE, budget=BUDGET, use="commercial")
