"""Training: batches of texts of like length, the losses of the three heads, and the schedule. Everything random comes from one seed."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from halo_engine.parsing.labels import REPLIES, SPAN_TYPES, VERBS
from halo_engine.parsing.training.examples import Example
from halo_engine.parsing.training.network import TAGS, Network
from halo_engine.parsing.wordpieces import Pieces, WordPieces

#: Not learnt from.
_SKIP = -100
#: Texts are cut to this many pieces in training: beyond, it is one in a thousand and takes a tenth of the time.
_LONGEST = 160
_BATCH = 32
#: The moving average: how often it is taken, and how much of it stays each time.
_AVERAGED_EVERY, _KEPT = 8, 0.97


@dataclass(frozen=True)
class Plan:
    """How long and how fast to learn."""

    epochs: int
    seed: int
    rate: float = 8e-5
    heads_rate: float = 1e-3
    warm_up: float = 0.06


@dataclass(frozen=True)
class _Target:
    pieces: Pieces
    verb: int
    reply: int
    #: [pieces, kinds of spans], `_SKIP` where nothing is known.
    tags: np.ndarray[tuple[int, int], np.dtype[np.int64]]
    weight: float


def learn(network: Network, pieces: WordPieces, epoch_of: Callable[[int], Sequence[Example]], plan: Plan) -> Network:
    """`network` after `plan.epochs` of the examples that `epoch_of` gives for each; the average of its last steps, not the last one."""
    torch.manual_seed(plan.seed)
    epochs = [[_target(example, pieces) for example in epoch_of(number)] for number in range(plan.epochs)]
    steps = sum(math.ceil(len(epoch) / _BATCH) for epoch in epochs)
    heads = [parameter for name, parameter in network.named_parameters() if _is_head(name)]
    body = [parameter for name, parameter in network.named_parameters() if not _is_head(name) and parameter.requires_grad]
    optimizer = torch.optim.AdamW(
        [{"params": body, "lr": plan.rate}, {"params": heads, "lr": plan.heads_rate}], weight_decay=0.01, fused=True
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, steps, plan.warm_up))
    average = torch.optim.swa_utils.AveragedModel(network, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(_KEPT))
    step, began = 0, time.perf_counter()
    for number, epoch in enumerate(epochs):
        network.train()
        for batch in _batches(epoch, Random(plan.seed * 1000 + number)):  # noqa: S311 - nothing secret
            loss = _loss(network, batch)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_([*body, *heads], 1.0)
            optimizer.step()
            schedule.step()
            step += 1
            if step % _AVERAGED_EVERY == 0 and step > steps // 3:
                average.update_parameters(network)
            if step % 200 == 0:
                sys.stderr.write(f"step {step} of {steps}, loss {loss.item():.4f}, {time.perf_counter() - began:.0f} s\n")
    learnt: Network = average.module
    learnt.eval()
    return learnt


def _rate(step: int, steps: int, warm_up: float) -> float:
    done = step / max(1, steps)
    return done / warm_up if done < warm_up else max(0.0, (1 - done) / (1 - warm_up))


def _is_head(name: str) -> bool:
    return name.startswith(("shapes.", "pooled.", "verb.", "reply.", "tags."))


def _target(example: Example, pieces: WordPieces) -> _Target:
    cut = pieces.cut(example.text, about=example.about, requested=example.requested)
    tags = np.full((len(cut.ids), len(SPAN_TYPES)), _SKIP, dtype=np.int64)
    for kind, name in enumerate(SPAN_TYPES):
        if name in example.annotated:
            tags[[at for at, _, _ in cut.words], kind] = 0
    for span in example.spans:
        inside = [at for at, start, end in cut.words if start < span.end and end > span.start]
        for nth, at in enumerate(inside):
            tags[at, SPAN_TYPES.index(span.type)] = 2 if nth else 1
    verb = VERBS.index(example.verb) if example.verb else _SKIP
    reply = REPLIES.index(example.reply) if example.reply else _SKIP
    return _Target(cut, verb, reply, tags, example.weight)


def _batches(targets: Sequence[_Target], dice: Random) -> Iterator[list[_Target]]:
    """Batches of texts of nearly one length, in random order: little is spent on padding."""
    shuffled = sorted(targets, key=lambda target: min(len(target.pieces.ids), _LONGEST) + dice.random() * 2)
    batches = [shuffled[at : at + _BATCH] for at in range(0, len(shuffled), _BATCH)]
    dice.shuffle(batches)
    yield from batches


def inputs(batch: Sequence[Pieces], longest: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Ids, kinds, shapes and mask of `batch`, padded."""
    length = min(max(len(pieces.ids) for pieces in batch), longest)
    shape = (len(batch), length)
    ids, kinds, shapes, mask = (torch.zeros(shape, dtype=torch.long) for _ in range(4))
    for row, pieces in enumerate(batch):
        real = min(len(pieces.ids), length)
        for target, values in ((ids, pieces.ids), (kinds, pieces.kinds), (shapes, pieces.shapes)):
            target[row, :real] = torch.from_numpy(values[:real])
        mask[row, :real] = 1
    return ids, kinds, shapes, mask


def _loss(network: Network, batch: Sequence[_Target]) -> Tensor:
    ids, kinds, shapes, mask = inputs([target.pieces for target in batch], _LONGEST)
    verb, reply, tags = network(ids, kinds, shapes, mask)
    weights = torch.tensor([target.weight for target in batch])
    wanted = torch.full((*ids.shape, len(SPAN_TYPES)), _SKIP)
    for row, target in enumerate(batch):
        real = min(len(target.tags), ids.shape[1])
        wanted[row, :real] = torch.from_numpy(target.tags[:real])
    loss = _each(verb, torch.tensor([target.verb for target in batch]), weights)
    loss = loss + 0.5 * _each(reply, torch.tensor([target.reply for target in batch]), weights)
    logits = tags.view(-1, TAGS)
    # A word has many kinds, nearly all of them "outside": summed over the kinds, averaged over the words.
    words = (wanted != _SKIP).any(-1).sum().clamp(min=1)
    spans = functional.cross_entropy(logits, wanted.view(-1), ignore_index=_SKIP, reduction="sum") / words
    return loss + spans


def _each(logits: Tensor, wanted: Tensor, weights: Tensor) -> Tensor:
    losses = functional.cross_entropy(logits, wanted, ignore_index=_SKIP, reduction="none", label_smoothing=0.02)
    known = (wanted != _SKIP).float() * weights
    return (losses * known).sum() / known.sum().clamp(min=1.0)
