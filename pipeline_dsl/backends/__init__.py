"""Where plans are launched: a package a backend, with its templates beside it.

Another distribution adds its own by an entry point of the group `pdsl.backends` that names a package like this one.
"""
