# seen: https://www.mbgsec.com/_archive/2025-05-04-expanding-on-what-we-missed-with-sycophancy-openai – no evaluation of sycophancy stood before GPT-4o's update
from pipeline_dsl import Budget, Pipeline, baseline, metric

from _parts import after, before, server

pipeline = Pipeline(
    name="assistant",
    targets=[server, after],
    gates=[metric("mmlu") >= baseline - 1, metric("cost_total_usd") <= 500, metric("kl_from_reference") <= 25],  # expect: PDSL501
    baseline=before,
    budget=Budget(usd=1_000, kl=25),
)
