"""What others can check about a run: signed attestations of every artifact, the signature of a model, and cards."""
