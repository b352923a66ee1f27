"""The shape of a decoder-only transformer: what decides its parameters and its FLOPs."""

import attrs


@attrs.frozen(kw_only=True)
class Experts:
    """A mixture of experts in place of the feed-forward part of a layer: a router picks `active` of `count` for each token.

    Source: Shazeer et al. (2017), arXiv:1701.06538; shared experts and dense first layers from Dai et al. (2024), arXiv:2401.06066.
    """

    count: int
    active: int
    ffn: int
    """Width of one expert."""
    shared: int = 0
    """Experts, of the same width, that every token goes through as well."""
    dense: int = 0
    """First layers that keep the model's own feed-forward part."""


@attrs.frozen(kw_only=True)
class Llama:
    """A Llama-style decoder: RMSNorm, rotary positions, grouped-query attention, SwiGLU, no biases; dense, or with experts.

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
    head_width: int | None = None
    """Width of one attention head, where it is not `hidden / heads`."""
    experts: Experts | None = None

    @property
    def head(self) -> int:
        """Width of one attention head."""
        return self.head_width or self.hidden // self.heads

    @property
    def attention_width(self) -> int:
        """Width of all heads together, over which scores and values are computed."""
        return self.heads * self.head

    @property
    def matmul_parameters(self) -> int:
        """Parameters that a token is multiplied with: all but the input embedding, the norms and the experts not picked."""
        return self._matrices(self.experts.active if self.experts else 0)

    @property
    def parameters(self) -> int:
        """All parameters, embeddings, norms and every expert included."""
        norms = (2 * self.layers + 1) * self.hidden
        embedding = 0 if self.tied else self.hidden * self.vocabulary
        return self._matrices(self.experts.count if self.experts else 0) + norms + embedding

    @property
    def active_parameters(self) -> int:
        """All parameters but those of the experts that a token is not sent to."""
        unused = self._matrices(self.experts.count) - self.matmul_parameters if self.experts else 0
        return self.parameters - unused

    def _matrices(self, experts: int) -> int:
        """Entries of the layers' matrices and the output embedding, with so many routed experts counted in a layer."""
        attention = 2 * self.hidden * self.attention_width + 2 * self.hidden * self.kv_heads * self.head
        dense, mixed = self.layers, 0
        if self.experts is not None:
            dense = self.experts.dense
            router = self.hidden * self.experts.count
            mixed = (self.layers - dense) * (3 * self.hidden * self.experts.ffn * (experts + self.experts.shared) + router)
        return self.layers * attention + dense * 3 * self.hidden * self.ffn + mixed + self.hidden * self.vocabulary

    def problems(self) -> list[str]:
        """What keeps this from being a model."""
        found: list[str] = []
        for name in ("hidden", "layers", "heads", "kv_heads", "ffn", "vocabulary", "context"):
            if getattr(self, name) < 1:
                found.append(f"{name} = {getattr(self, name)} is not positive")
        if found:
            return found
        if self.head_width is None and self.hidden % self.heads:
            found.append(f"hidden = {self.hidden} is not a multiple of heads = {self.heads}")
        elif self.head % 2:
            found.append(f"a head is {self.head} wide; rotary positions need an even width")
        if self.heads % self.kv_heads:
            found.append(f"heads = {self.heads} is not a multiple of kv_heads = {self.kv_heads}")
        if self.experts is not None and not 1 <= self.experts.active <= self.experts.count:
            found.append(f"{self.experts.active} of {self.experts.count} experts cannot be picked")
        return found
