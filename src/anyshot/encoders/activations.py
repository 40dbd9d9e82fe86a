"""What a frozen trunk makes of items, computed once: kept over epochs, folds and runs, and begun where others ended."""

import shutil
import tempfile
import warnings
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from anyshot.base import progress
from anyshot.base.items import Items, by_position, check_texts
from anyshot.base.pixels import content_of
from anyshot.base.validation import RandomState, generator
from anyshot.encoders.activation_batches import Activations, Slots
from anyshot.encoders.augment import View
from anyshot.encoders.batching import Rows, batches
from anyshot.encoders.freeze import Trunk, trunk_digest
from anyshot.encoders.stages import Backbone, ImagePreparation, State
from anyshot.errors import BadItemError, CacheError, InputError
from anyshot.store.activation_cache import ActivationCache, Packed
from anyshot.store.disk_cache import Key

SLICE: Final = {"text": 1024, "image": 128}
"""Items computed and written together; an interrupted run goes on at the last slice."""

BATCH_TOKENS: Final = {"cpu": 2048, "cuda": 65536}
BATCH_IMAGES: Final = {"cpu": 16, "cuda": 128}
"""What goes through the trunk together."""


def activations(
    backbone: Backbone,
    items: Items,
    *,
    freeze_at: str | int,
    cache: ActivationCache | None = None,
    budget_mb: float = 512.0,
    augment: int = 0,
    random_state: RandomState = 0,
) -> Activations:
    """Return the states of `items` at a freeze point, each distinct item through the trunk once.

    They are kept as bfloat16, pooled features as float32. What the cache holds is not computed again; what it holds of
    an earlier freeze point of the same backbone is where the trunk begins.

    Parameters
    ----------
    backbone : Backbone
        The network and how it reads items.
    items : sequence of str, or of images
        What is to be trained on.
    freeze_at : str or int
        The first trained stage; see `split`.
    cache : ActivationCache, optional
        Where they are kept for later runs. Default: nowhere.
    budget_mb : float, default=512
        What may be held in memory [MB, 1e6 bytes]. More than that is mapped from files: the cache's, or temporary ones.
    augment : int, default=0
        Images only: so many changed views of each image beside the plain one, cropped, mirrored and recolored.
    random_state : int, Generator or None, default=0
        Decides the views; the same number finds them in the cache again.

    Raises
    ------
    UnknownStageError
        The backbone has no such stage.
    InputError
        The items are of another kind than the network reads, or views of texts are asked for.
    BadItemError
        An item is unusable; it is named by its row.
    """
    items, place = by_position(items), backbone.place(freeze_at)
    seed = int(generator(random_state).integers(2**31))
    wanted = _wanted(backbone, items, tuple(View(number, seed) for number in range(augment + 1)))
    packs = _known(cache, trunk_digest(backbone, place=place), wanted.keys)
    known = {key for pack in packs for key in pack.keys}
    missing = [slot for slot, key in enumerate(wanted.keys) if key not in known]
    shelf = _Shelf(cache, budget_mb, digest=trunk_digest(backbone, place=place))
    steps = _computed(Trunk(backbone, place=place), wanted, missing, cache)
    for pack in progress.track(steps, total=len(missing), doing="Running the frozen layers"):
        shelf.put(pack)
    made = Activations([*packs, *shelf.packs], keys=wanted.keys, slots=wanted.slots, budget_mb=budget_mb)
    shelf.give_up_with(made)
    return made


def states(trunk: Trunk, items: Items) -> Iterator[tuple[Rows, State]]:
    """Yield the states of `items` after a trunk, a batch at a time, with their rows; nothing is kept.

    Texts come in an order that wastes little on filling up. Raises as `activations` does.
    """
    items, backbone = by_position(items), trunk.backbone
    size = SLICE[backbone.modality]
    if len(items):
        backbone.check(items)
    for first in range(0, len(items), size):
        inputs = _prepared(backbone, backbone.preparation, items, range(first, min(first + size, len(items))))
        for rows in _batches(backbone, [len(one) for one in inputs]):
            yield rows + first, trunk(backbone.together([inputs[row] for row in rows]))


@dataclass(frozen=True)
class _Wanted:
    """The distinct views of items."""

    items: Items
    views: tuple[View, ...]
    keys: list[Key]  # of each slot, a distinct view of distinct content
    origins: list[tuple[int, int]]  # of each slot: a row of the items, and the number of its view
    slots: Slots  # (n, n_views)


def _wanted(backbone: Backbone, items: Items, views: tuple[View, ...]) -> _Wanted:
    if len(items):
        backbone.check(items)
    if len(views) > 1 and backbone.modality != "image":
        raise InputError(f"augment={len(views) - 1} asks for views of images; {backbone.name} reads texts. Leave it 0.")
    contents = _contents(backbone, items)
    slot_of: dict[Key, int] = {}
    origins: list[tuple[int, int]] = []
    slots = np.zeros((len(contents), len(views)), dtype=np.intp)
    for row, content in enumerate(contents):
        for view in views:
            key = content if view.number == 0 else sha256(content + f"{view}, 1".encode()).digest()
            slots[row, view.number] = slot_of.setdefault(key, len(slot_of))
            if len(origins) < len(slot_of):
                origins.append((row, view.number))
    return _Wanted(items, views, list(slot_of), origins, slots)


def _contents(backbone: Backbone, items: Items) -> list[Key]:
    if backbone.modality == "text":
        texts = check_texts(items)
        return [sha256(b"text\n" + text.encode("utf-8", "surrogatepass")).digest() for text in texts]
    return [sha256(b"image\n" + content_of(image, row=row)).digest() for row, image in enumerate(items)]


def _known(cache: ActivationCache | None, digest: str, keys: Sequence[Key]) -> list[Packed]:
    """Return the cache's packs that hold some of `keys`."""
    if cache is None:
        return []
    wanted = set(keys)
    return [pack for pack in cache.read(digest) if not wanted.isdisjoint(pack.keys)]


def _computed(
    trunk: Trunk, wanted: _Wanted, missing: list[int], cache: ActivationCache | None
) -> Iterator[tuple[int, Packed]]:
    """Yield what is missing, a slice at a time: how many views, and their activations."""
    backbone, left = trunk.backbone, missing
    for first in range(trunk.place - 1, -1, -1):
        if not left:
            return
        earlier = _known(cache, trunk_digest(backbone, place=first), [wanted.keys[slot] for slot in left])
        known = {key for pack in earlier for key in pack.keys}
        here = [slot for slot in left if wanted.keys[slot] in known]
        left = [slot for slot in left if wanted.keys[slot] not in known]
        if here:
            yield from _continued(trunk, wanted, here, earlier, first=first)
    yield from _begun(trunk, wanted, left)


def _continued(
    trunk: Trunk, wanted: _Wanted, slots: list[int], packs: list[Packed], *, first: int
) -> Iterator[tuple[int, Packed]]:
    """Yield the activations of `slots` from those of an earlier freeze point, after `first` stages."""
    keys = [wanted.keys[slot] for slot in slots]
    earlier = Activations(packs, keys=keys, slots=np.arange(len(keys))[:, None], budget_mb=0.0)
    size = SLICE[trunk.backbone.modality]
    for start in range(0, len(slots), size):
        part = np.arange(start, min(start + size, len(slots)))
        done = [
            ([keys[part[row]] for row in rows], trunk(earlier.batch(part[rows]), first=first))
            for rows in _batches(trunk.backbone, earlier.lengths[part].tolist())
        ]
        yield len(part), _packed(done)


def _begun(trunk: Trunk, wanted: _Wanted, slots: list[int]) -> Iterator[tuple[int, Packed]]:
    """Yield the activations of `slots` from the items themselves; all views of an item come from one reading of it."""
    backbone, preparation = trunk.backbone, trunk.backbone.preparation
    if isinstance(preparation, ImagePreparation):
        preparation = preparation.in_views(wanted.views)
    size = max(1, SLICE[backbone.modality] // len(wanted.views))
    views_of: dict[int, list[int]] = {}
    for slot in slots:
        views_of.setdefault(wanted.origins[slot][0], []).append(slot)
    rows = list(views_of)
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
        made = dict(zip(part, _prepared(backbone, preparation, wanted.items, part), strict=True))
        there = [slot for row in part for slot in views_of[row]]
        inputs = [_view(made[wanted.origins[slot][0]], wanted.origins[slot][1], backbone) for slot in there]
        done = [
            ([wanted.keys[there[place]] for place in places], trunk(backbone.together([inputs[p] for p in places])))
            for places in _batches(backbone, [len(one) for one in inputs])
        ]
        yield len(there), _packed(done)


def _view(made: Tensor, number: int, backbone: Backbone) -> Tensor:
    return made[number] if backbone.modality == "image" else made


def _prepared(backbone: Backbone, preparation: Any, items: Items, rows: Sequence[int]) -> list[Tensor]:
    """Return what the first stage reads of some items; a bad one is named by the row given."""
    try:
        made: list[Tensor] = preparation.prepare([items[row] for row in rows])
    except BadItemError:
        for row in rows:
            preparation.prepare([items[row]], first_row=row)
        raise
    return made


def _batches(backbone: Backbone, lengths: Sequence[int]) -> Iterator[Rows]:
    """Yield the rows of each batch that goes through the trunk together."""
    kind = backbone.device.type
    if backbone.modality == "text":
        yield from batches(lengths, budget=BATCH_TOKENS.get(kind, BATCH_TOKENS["cpu"]))
        return
    size = BATCH_IMAGES.get(kind, BATCH_IMAGES["cpu"])
    for first in range(0, len(lengths), size):
        yield np.arange(first, min(first + size, len(lengths)))


def _packed(done: Sequence[tuple[list[Key], State]]) -> Packed:
    """Return batches of states, packed: lines end to end, without what filled texts up."""
    keys, lengths, lines, sort = [], [], [], "places"
    for batch_keys, state in done:
        x = _kept(state.x.cpu())
        keys += batch_keys
        if state.mask is not None:
            mask = state.mask.cpu()
            sort, x = "tokens", x[mask]
            lengths.append(mask.sum(dim=1).numpy())
        else:
            lengths.append(np.ones(len(batch_keys), dtype=np.int64))
            if x.ndim == 4:
                sort, x = "maps", x.permute(0, 2, 3, 1)
        lines.append(x)
    return Packed(keys, np.concatenate(lengths), torch.cat(lines), sort)


def _kept(x: Tensor) -> Tensor:
    """Return a tensor as it is stored: activations as bfloat16, pooled features as float32, ids in 32 bits."""
    if x.is_floating_point():
        return x.float() if x.ndim == 2 else x.to(torch.bfloat16)
    return x.to(torch.int32) if x.dtype == torch.int64 else x


class _Shelf:
    """Where new activations go: the cache; without one, memory; beyond the budget, temporary files."""

    def __init__(self, cache: ActivationCache | None, budget_mb: float, *, digest: str) -> None:
        self.cache, self.budget, self.digest = cache, budget_mb * 1e6, digest
        self.packs: list[Packed] = []
        self.folder: str | None = None  # of the temporary files

    def put(self, pack: Packed) -> None:
        self.packs.append(self._kept(pack))
        if self.cache is None and self.folder is None and sum(one.lines.nbytes for one in self.packs) > self.budget:
            self.folder = tempfile.mkdtemp(prefix="anyshot-")
            self.packs = [_spilled(one, self.folder) for one in self.packs]

    def give_up_with(self, owner: object) -> None:
        """Remove the temporary files when `owner` goes."""
        if self.folder is not None:
            weakref.finalize(owner, shutil.rmtree, self.folder, ignore_errors=True)

    def _kept(self, pack: Packed) -> Packed:
        if self.folder is not None:
            return _spilled(pack, self.folder)
        if self.cache is None:
            return pack
        try:
            return self.cache.write(self.digest, pack)
        except CacheError as error:
            warnings.warn(f"{error} Activations are computed and not kept.", stacklevel=4)
            self.cache = None
            return pack


def _spilled(pack: Packed, folder: str) -> Packed:
    """Return a pack mapped from a temporary file, whose name is gone at once, so that a kill leaves nothing behind."""
    spill = ActivationCache(folder, limit=np.inf)
    mapped = spill.write("spill", pack)
    shutil.rmtree(spill.folder, ignore_errors=True)  # Windows keeps a mapped file until its owner goes
    return mapped
