"""A pipeline in a package: its modules import each other by their places in it."""
