"""A run told to people: a model card and a data card, written from manifest, plan and store, and from nothing else."""
