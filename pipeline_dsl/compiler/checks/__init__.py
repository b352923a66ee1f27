"""One check a file, named after the fault that it finds. Adding a file adds the check."""
