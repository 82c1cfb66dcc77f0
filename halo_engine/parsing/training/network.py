"""The network: the BERT encoder of MiniLM-L6 with a head for the verb, one for replies, and one that tags each token for every kind of span.

Each kind of span has its own begin/inside/outside, so that a set which labels only some kinds teaches only those.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from halo_engine.parsing.labels import REPLIES, SPAN_TYPES, VERBS
from halo_engine.parsing.wordpieces import SHAPES

_HIDDEN, _LAYERS, _HEADS, _INNER, _VOCABULARY, _POSITIONS = 384, 6, 12, 1536, 30_522, 512
#: Outside, begin, inside.
TAGS = 3


class _Layer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value, self.output = (nn.Linear(_HIDDEN, _HIDDEN) for _ in range(4))
        self.inner, self.outer = nn.Linear(_HIDDEN, _INNER), nn.Linear(_INNER, _HIDDEN)
        self.after_attention, self.after_all = nn.LayerNorm(_HIDDEN, 1e-12), nn.LayerNorm(_HIDDEN, 1e-12)
        self.dropout = nn.Dropout(0.1)

    def forward(self, hidden: Tensor, mask: Tensor) -> Tensor:
        batch, length, _ = hidden.shape
        query, key, value = (
            each(hidden).view(batch, length, _HEADS, _HIDDEN // _HEADS).transpose(1, 2) for each in (self.query, self.key, self.value)
        )
        weights = (query @ key.transpose(-1, -2)) * (_HIDDEN // _HEADS) ** -0.5 + mask
        seen = (weights.softmax(-1) @ value).transpose(1, 2).reshape(batch, length, _HIDDEN)
        hidden = self.after_attention(hidden + self.dropout(self.output(seen)))
        inside = self.outer(functional.gelu(self.inner(hidden)))
        normed: Tensor = self.after_all(hidden + self.dropout(inside))
        return normed


class Network(nn.Module):
    """Token ids, kinds (0 context, 1 text), shapes and mask in, each [batch, tokens]; logits of verbs, replies and tags out."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(_VOCABULARY, _HIDDEN)
        self.positions, self.kinds = nn.Embedding(_POSITIONS, _HIDDEN), nn.Embedding(2, _HIDDEN)
        self.shapes = nn.Embedding(len(SHAPES), _HIDDEN)
        self.normed, self.dropout = nn.LayerNorm(_HIDDEN, 1e-12), nn.Dropout(0.1)
        self.layers = nn.ModuleList(_Layer() for _ in range(_LAYERS))
        self.pooled = nn.Linear(2 * _HIDDEN, _HIDDEN)
        self.verb, self.reply = nn.Linear(_HIDDEN, len(VERBS)), nn.Linear(_HIDDEN, len(REPLIES))
        self.tags = nn.Linear(_HIDDEN, len(SPAN_TYPES) * TAGS)
        nn.init.zeros_(self.shapes.weight)

    def forward(self, ids: Tensor, kinds: Tensor, shapes: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        places = torch.arange(ids.shape[1], device=ids.device)
        hidden = self.words(ids) + self.positions(places) + self.kinds(kinds) + self.shapes(shapes)
        hidden = self.dropout(self.normed(hidden))
        unseen = (1.0 - mask[:, None, None, :].float()) * -1e4
        for layer in self.layers:
            hidden = layer(hidden, unseen)
        real = mask[:, :, None].float()
        mean = (hidden * real).sum(1) / real.sum(1)
        pooled = self.dropout(torch.tanh(self.pooled(torch.cat([hidden[:, 0], mean], -1))))
        return self.verb(pooled), self.reply(pooled), self.tags(self.dropout(hidden))


def pretrained(weights: Path) -> Network:
    """The network with the encoder of `weights` (MiniLM-L6, safetensors) and fresh heads."""
    network = Network()
    theirs = load_file(weights)
    state: dict[str, Any] = {
        f"{ours}.{part}": theirs[f"{name}.{part}"] for ours, name in _names() for part in ("weight", "bias") if f"{name}.{part}" in theirs
    }
    missing = network.load_state_dict(state, strict=False).missing_keys
    if any(not key.startswith(("shapes.", "pooled.", "verb.", "reply.", "tags.")) for key in missing):
        raise ValueError(f"{weights} has no {', '.join(missing)}")
    # The words' vectors stay as they are: they are half of the weights, and few of them are ever seen in training.
    network.words.weight.requires_grad = False
    return network


def _names() -> list[tuple[str, str]]:
    """Our modules, and what BERT calls them."""
    names = [
        ("words", "embeddings.word_embeddings"),
        ("positions", "embeddings.position_embeddings"),
        ("kinds", "embeddings.token_type_embeddings"),
        ("normed", "embeddings.LayerNorm"),
    ]
    for number in range(_LAYERS):
        ours, theirs = f"layers.{number}", f"encoder.layer.{number}"
        names += [(f"{ours}.{part}", f"{theirs}.attention.self.{part}") for part in ("query", "key", "value")]
        names += [
            (f"{ours}.output", f"{theirs}.attention.output.dense"),
            (f"{ours}.after_attention", f"{theirs}.attention.output.LayerNorm"),
            (f"{ours}.inner", f"{theirs}.intermediate.dense"),
            (f"{ours}.outer", f"{theirs}.output.dense"),
            (f"{ours}.after_all", f"{theirs}.output.LayerNorm"),
        ]
    return names
