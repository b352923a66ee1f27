"""A plan, run. `run.py` decides the order, `stage.py` runs one stage; a cluster calls only the latter."""
