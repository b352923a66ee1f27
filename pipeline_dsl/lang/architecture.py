"""The shape of a decoder-only transformer: what decides its parameters and its FLOPs."""

import attrs


@attrs.frozen(kw_only=True)
class Llama:
    """A Llama-style decoder: RMSNorm, rotary positions, grouped-query attention, SwiGLU, no biases.

    Source: Touvron et al. (2023), arXiv:2302.13971; grouped-query attention from Ainslie et al. (2023), arXiv:2305.13245.
    """

    hidden: int
    layers: int
    heads: int
    kv_heads: int
    ffn: int
    vocabulary: int
    context: int
    tied: bool = False
    """One matrix for the input and the output embedding."""

    @property
    def head(self) -> int:
        """Width of one attention head."""
        return self.hidden // self.heads

    @property
    def matmul_parameters(self) -> int:
        """Parameters that every token is multiplied with: all but the input embedding and the norms."""
        attention = 2 * self.hidden * self.hidden + 2 * self.hidden * self.kv_heads * self.head
        return self.layers * (attention + 3 * self.hidden * self.ffn) + self.hidden * self.vocabulary

    @property
    def parameters(self) -> int:
        """All parameters, embeddings and norms included."""
        norms = (2 * self.layers + 1) * self.hidden
        return self.matmul_parameters + norms + (0 if self.tied else self.hidden * self.vocabulary)

    def problems(self) -> list[str]:
        """What keeps this from being a model."""
        found: list[str] = []
        for name in ("hidden", "layers", "heads", "kv_heads", "ffn", "vocabulary", "context"):
            if getattr(self, name) < 1:
                found.append(f"{name} = {getattr(self, name)} is not positive")
        if found:
            return found
        if self.hidden % self.heads:
            found.append(f"hidden = {self.hidden} is not a multiple of heads = {self.heads}")
        elif self.head % 2:
            found.append(f"a head is {self.head} wide; rotary positions need an even width")
        if self.heads % self.kv_heads:
            found.append(f"heads = {self.heads} is not a multiple of kv_heads = {self.kv_heads}")
        return found
