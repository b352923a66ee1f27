"""Pipelines of this project: `tiny` runs on two cores in minutes, the others are declarations at real scale."""
