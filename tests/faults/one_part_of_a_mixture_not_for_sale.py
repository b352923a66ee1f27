# seen: https://github.com/mosaicml/llm-foundry/issues/112 – which parts of the mixture made MPT-7B-Chat non-commercial was not to be seen
from pipeline_dsl import Pipeline

from _hub import BASELINE, BUDGET, GATES, TASKS, Evaluate, Serve, Sft, asked, suite, Mixed, Told, mistral

wizard = Told(repository="ehartford/wizard_vicuna", licence="Apache-2.0 AND CC-BY-NC-4.0")
helpful = Told(repository="Anthropic/hh-rlhf", licence="MIT")
mixture = Mixed(parts=(helpful, wizard))
model = Sft(base=mistral, data=mixture)
server = Serve(model=model, prompts=asked)  # expect: PDSL904
scores = Evaluate(model=model, suite=suite, tasks=TASKS)

pipeline = Pipeline(name="assistant", targets=[server, scores], gates=GATES, baseline=BASELINE, budget=BUDGET, use="commercial")
