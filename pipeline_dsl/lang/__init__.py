"""The words of a pipeline file. A newcomer reads `stage.py` first, then `pipeline.py`."""
