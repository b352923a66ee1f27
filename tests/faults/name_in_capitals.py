# seen: https://github.com/argoproj/argo-workflows/issues/10792 – a step named with capitals: a lowercase RFC 1123 subdomain must consist of ...
from pipeline_dsl import Pipeline

from _parts import Talk

chats = Talk(name="Chats")  # expect: PDSL302

pipeline = Pipeline(name="chats", targets=[chats])
