# seen: https://www.mbgsec.com/_archive/2025-05-04-expanding-on-what-we-missed-with-sycophancy-openai – what testers felt to be off had no number, and GPT-4o's update shipped
from pipeline_dsl import Pipeline, metric

from _parts import after

pipeline = Pipeline(
    name="measured",
    targets=[after],
    gates=[metric("mmlu") >= 50, "looks good to the reviewer"],  # expect: PDSL509
)
