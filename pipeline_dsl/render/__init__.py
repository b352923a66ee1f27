"""From a plan to files that somebody else's scheduler runs: what a backend is, quoting, and the committed output."""
