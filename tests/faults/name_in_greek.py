from pipeline_dsl import Pipeline

from _parts import Talk

chats = Talk(name="λόγος")  # expect: PDSL302

pipeline = Pipeline(name="chats", targets=[chats])
