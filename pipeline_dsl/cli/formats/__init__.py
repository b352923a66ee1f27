"""Findings for programs: one module a format, each with a function `printed` that makes a text of them.

What people read is `cli/report.py`. Only the format that is asked for is imported.
"""
