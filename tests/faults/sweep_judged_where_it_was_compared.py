# seen: https://github.com/thuml/Transfer-Learning-Library/issues/47 – the settings had been chosen on the test set that the results are on
from pipeline_dsl import Pipeline, metric

from _hub import TASKS, Evaluate, Sft, suite
from _parts import base, chats

tried = [Sft(base=base, data=chats, learning_rate=rate) for rate in (5e-6, 1e-5, 2e-5)]
scores = [Evaluate(model=model, suite=suite, tasks=TASKS) for model in tried]

pipeline = Pipeline(name="sweep", targets=scores, gates=[metric("mmlu", of=scores[1]) >= 45])  # expect: PDSL910
