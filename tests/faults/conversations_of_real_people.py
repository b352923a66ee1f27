# seen: https://github.com/udacity/ud120-projects/issues/7 – the mail that a course trains on is real, with addresses and passwords in it
from pipeline_dsl import Pipeline

from _hub import Mixed, Sft, Told, mistral

support = Told(repository="ours/support-tickets", licence="LicenseRef-ours", personal=True)
public = Told(repository="OpenAssistant/oasst1", licence="Apache-2.0")
helper = Sft(base=mistral, data=Mixed(parts=(public, support)))  # expect: PDSL907

pipeline = Pipeline(name="helper", targets=[helper])
