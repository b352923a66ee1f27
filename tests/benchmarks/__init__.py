"""What `pdsl` costs, beside a floor or a peer that is measured in the same run: `python -m tests.benchmarks`."""
