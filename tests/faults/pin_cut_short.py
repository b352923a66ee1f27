# seen: https://github.com/apple/container/issues/104 – the digest as it is listed, cut short, names no image
from pipeline_dsl import Pipeline

from _parts import Talk

chats = Talk(pin="sha256:9f3c12ab")  # expect: PDSL411

pipeline = Pipeline(name="chats", targets=[chats])
