"""The accepted pipeline as plain data: all that a runner, a cluster node or a gate needs."""
