"""The shape of a decoder-only transformer: what decides its parameters and its FLOPs."""

import attrs

from pipeline_dsl.base.flops import forward_flops
from pipeline_dsl.base.units import Flops


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
    balance: float = 0.01
    """Weight of the loss that keeps routers from sending all tokens to the same experts; 0 leaves it out.

    Source: Fedus et al. (2021), arXiv:2101.03961, equation 4, summed over the experts that a token is sent to.
    """

    def problems(self, layers: int) -> list[str]:
        """What keeps this from being part of a model of so many layers."""
        found: list[str] = []
        if self.ffn < 1:
            found.append(f"experts are {self.ffn} wide")
        if not 1 <= self.active <= self.count:
            found.append(f"{self.active} of {self.count} experts cannot be picked")
        if self.shared < 0:
            found.append(f"{self.shared} shared experts cannot be")
        if not 0 <= self.dense < layers:
            found.append(f"dense = {self.dense} of {layers} layers leaves none with experts")
        if self.balance < 0:
            found.append(f"balance = {self.balance:g} rewards routers for using few experts")
        return found


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

    @property
    def sent(self) -> "Llama":
        """What one token is sent through: this model with the picked experts only."""
        return self if self.experts is None else attrs.evolve(self, experts=attrs.evolve(self.experts, count=self.experts.active))

    @property
    def cached(self) -> int:
        """Keys and values of one position, in all layers: numbers, not bytes."""
        return 2 * self.layers * self.kv_heads * self.head

    def touched(self, tokens: float) -> float:
        """Matrix entries that a step over so many tokens reads, where each token picks its experts evenly and on its own."""
        if self.experts is None:
            return self.matmul_parameters
        share = 1 - (1 - self.experts.active / self.experts.count) ** tokens
        return self._matrices(0) + share * (self._matrices(self.experts.count) - self._matrices(0))

    def forward(self, tokens: float, length: float) -> Flops:
        """One forward pass over `tokens` in rows of `length`."""
        return forward_flops(self.matmul_parameters, tokens, layers=self.layers, attention_width=self.attention_width, length=length)

    def attention(self, tokens: float, length: float) -> Flops:
        """Of it, scores and values of attention."""
        return forward_flops(0, tokens, layers=self.layers, attention_width=self.attention_width, length=length)

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
        if self.experts is not None:
            found.extend(self.experts.problems(self.layers))
        return found
