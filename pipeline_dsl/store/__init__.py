"""Where artifacts live, named by their bytes, and what is recorded about how they came to be."""
