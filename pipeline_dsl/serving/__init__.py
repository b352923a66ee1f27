"""A model behind an OpenAI-shaped HTTP interface: an engine on the loopback, and in front of it a proxy that guards and measures it.

`server.py` puts the two together, `spec.py` says what is launched, `proxy.py` is the list of routes, `engine.py` the child process.
"""
