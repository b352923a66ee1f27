"""Declarations in, a plan or diagnostics out. Read `compile.py` first."""
