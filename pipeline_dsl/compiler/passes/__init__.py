"""One pass a file: each derives one kind of fact. `compiler/compile.py` lists them."""
