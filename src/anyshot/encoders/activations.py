"""The activations of items at a freeze point: computed once, stored in the disk cache, and read in batches."""

import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from anyshot.base import progress
from anyshot.base.items import Items, by_position, check_texts
from anyshot.base.messages import warn
from anyshot.base.pixels import content_of
from anyshot.base.validation import Indexes, Vectors
from anyshot.encoders.augment import View
from anyshot.encoders.stages import Backbone, ImagePreparation, State, Trunk, trunk_digest
from anyshot.encoders.texts import Rows, batches
from anyshot.errors import BadItemError, CacheError, InputError
from anyshot.store.database import Key, PackedActivations
from anyshot.store.disk_cache import VectorCache

SLICE: Final = {"text": 1024, "image": 128}
"""Items computed and stored together; an interrupted run resumes at the last slice."""

BATCH_TOKENS: Final = {"cpu": 2048, "cuda": 65536}
BATCH_IMAGES: Final = {"cpu": 16, "cuda": 128}
"""Size of a batch that is computed by the frozen layers."""


class Activations:
    """The activations of items at a freeze point.

    Attributes
    ----------
    lengths : ndarray of shape (n,)
        Number of tokens of each text; 1 for images and for pooled features.
    n_views : int
        Number of views of each item: one more than `augment`.
    in_memory : bool
        Whether they are in memory; otherwise they are mapped from files.
    digest : str
        Hash of the items' contents, their order and their views.
    """

    def __init__(
        self, packs: Sequence[PackedActivations], *, keys: Sequence[Key], views: Rows, budget_mb: float
    ) -> None:
        """Select the activations of `keys`; views (n, n_views) is the index in `keys` of each view of each item."""
        index_of = {key: (part, row) for part, pack in enumerate(packs) for row, key in enumerate(pack.keys)}
        part, row = np.array([index_of[key] for key in keys], dtype=np.intp).reshape(-1, 2).T
        starts, lengths = [pack.starts for pack in packs], [pack.lengths for pack in packs]
        self._part = part
        self._start = np.array([starts[p][r] for p, r in zip(part, row, strict=True)], dtype=np.int64)
        self._length = np.array([lengths[p][r] for p, r in zip(part, row, strict=True)], dtype=np.int64)
        self._tensors = [_to_tensor(pack) for pack in packs]
        self._layout = packs[0].layout if packs else "pooled"
        self._views = views
        self.n_views = views.shape[1]
        self.lengths = self._length[views[:, 0]]
        self.digest = sha256(b"".join(keys) + np.ascontiguousarray(views).tobytes()).hexdigest()
        row_bytes = self._tensors[0][:1].nbytes if self._tensors else 0
        self.in_memory = int(self._length.sum()) * row_bytes <= budget_mb * 1e6
        if self.in_memory and self._tensors:  # copy what is needed to one tensor, and release the files
            items = zip(self._part, self._start, self._length, strict=True)
            self._tensors = [torch.cat([self._tensors[p][first : first + length] for p, first, length in items])]
            self._part, self._start = np.zeros_like(part), np.cumsum(self._length) - self._length

    def __len__(self) -> int:
        """Return the number of items."""
        return len(self._views)

    def batch(
        self,
        rows: Indexes | Sequence[int],
        *,
        generator: np.random.Generator | None = None,
        device: torch.device | str = "cpu",
    ) -> State:
        """Return the activations of some items in float32, or token ids and pixels if no layer is frozen.

        rows (n,): the items; generator: chooses one of the views of each item, by default the unchanged item.
        """
        chosen = np.asarray(rows, dtype=np.intp)
        view = 0 if generator is None else generator.integers(self.n_views, size=len(chosen))
        index = self._views[chosen, view]
        return (self._token_batch(index) if self._layout == "tokens" else self._image_batch(index)).to(device)

    def _token_batch(self, index: Rows) -> State:
        """Return activations (n, t, width) or ids (n, t); padding repeats the last token, and is masked."""
        lengths = self._length[index]
        longest = int(lengths.max(initial=1))
        positions = np.minimum(np.arange(longest), lengths[:, None] - 1)  # (n, t)
        mask = torch.from_numpy(np.arange(longest) < lengths[:, None])
        return State(_to_compute(self._gather(index, self._start[index][:, None] + positions)), mask)

    def _image_batch(self, index: Rows) -> State:
        x = _to_compute(self._gather(index, self._start[index]))
        return State(x.permute(0, 3, 1, 2) if self._layout == "feature maps" else x)  # (n, c, h, w), channels last

    def _gather(self, index: Rows, rows: NDArray[np.int64]) -> Tensor:
        """Return `rows` (n, ...) of the tensors in which the activations at `index` (n,) are."""
        if len(self._tensors) == 1:
            return self._tensors[0][torch.from_numpy(rows)]
        gathered = torch.empty((*rows.shape, *self._tensors[0].shape[1:]), dtype=self._tensors[0].dtype)
        parts = self._part[index]
        for part in np.unique(parts):
            here = np.flatnonzero(parts == part)
            gathered[torch.from_numpy(here)] = self._tensors[part][torch.from_numpy(rows[here])]
        return gathered


def activations(
    backbone: Backbone,
    items: Items,
    *,
    freeze_at: str | int,
    cache: VectorCache | None = None,
    budget_mb: float = 512.0,
    augment: int = 0,
) -> Activations:
    """Return the activations of `items` at a freeze point; each distinct item is computed once.

    Activations in the cache are not computed again. If the cache has those of an earlier freeze point of the same
    backbone, only the layers after it are run. They are stored as bfloat16, pooled features as float32.

    cache: where activations are stored for later runs; budget_mb: the most memory [MB, 1e6 bytes], larger activations
    are mapped from the cache's files, or from temporary ones; augment: of images, the number of cropped, flipped and
    recolored views of each in addition to the image itself.

    Raises
    ------
    UnknownStageError
        The backbone has no such stage.
    InputError
        The network does not read items of this kind, or views of texts are requested.
    BadItemError
        An item cannot be used; the message names its row.
    """
    items = by_position(items)
    trunk = Trunk(backbone, freeze_at)
    wanted = _distinct_views(backbone, items, tuple(map(View, range(augment + 1))))
    storage = _Storage(cache, budget_mb)
    storage.packs = storage.find(trunk.digest, wanted.keys)
    known = {key for pack in storage.packs for key in pack.keys}
    missing = [index for index, key in enumerate(wanted.keys) if key not in known]
    if missing:
        steps = _compute(trunk, wanted, missing, storage)
        for pack in progress.track(steps, total=len(missing), description="Running the frozen layers"):
            storage.add(trunk.digest, pack)
    result = Activations(storage.packs, keys=wanted.keys, views=wanted.views, budget_mb=budget_mb)
    storage.delete_with(result)
    return result


def states(trunk: Trunk, items: Items) -> Iterator[tuple[Rows, State]]:
    """Yield the activations of `items` after a trunk, a batch at a time, with their rows; nothing is stored.

    Texts are sorted by length to reduce padding. Raises the errors of `activations`.
    """
    items, backbone = by_position(items), trunk.backbone
    size = SLICE[backbone.modality]
    if len(items):
        backbone.check(items)
    for first in range(0, len(items), size):
        inputs = _prepare(backbone.preparation, items, range(first, min(first + size, len(items))))
        for rows in _batches(backbone, [len(one) for one in inputs]):
            yield rows + first, trunk(backbone.together([inputs[row] for row in rows]))


def outputs(trunk: Trunk, items: Items, network: Callable[[State], Tensor], *, width: int) -> Vectors:
    """Return the outputs (n, width), float32, on the CPU, of a network for the activations of `items` after a trunk.

    network: maps the activations of a batch to (batch, width). Raises the errors of `activations`.
    """
    found = np.zeros((len(items), width), np.float32)
    with torch.inference_mode():
        for rows, state in states(trunk, items):
            found[rows] = network(state).float().cpu().numpy()
    return found


@dataclass(frozen=True)
class _DistinctViews:
    """The distinct views of items."""

    items: Items
    changes: tuple[View, ...]
    keys: list[Key]  # of each distinct view of distinct content
    origins: list[tuple[int, int]]  # of each: the row of its item, and the number of its view
    views: Rows  # (n, n_views), indexes in keys


def _distinct_views(backbone: Backbone, items: Items, changes: tuple[View, ...]) -> _DistinctViews:
    if len(items):
        backbone.check(items)
    if len(changes) > 1 and backbone.modality != "image":
        raise InputError(f"augment={len(changes) - 1} is for images, but {backbone.name} reads texts. Set augment=0.")
    contents = _contents(backbone, items)
    index_of: dict[Key, int] = {}
    origins: list[tuple[int, int]] = []
    views = np.zeros((len(contents), len(changes)), dtype=np.intp)
    for row, content in enumerate(contents):
        for view in changes:
            key = content if view.number == 0 else sha256(content + f"{view}, 1".encode()).digest()
            views[row, view.number] = index_of.setdefault(key, len(index_of))
            if len(origins) < len(index_of):
                origins.append((row, view.number))
    return _DistinctViews(items, changes, list(index_of), origins, views)


def _contents(backbone: Backbone, items: Items) -> list[Key]:
    if backbone.modality == "text":
        texts = check_texts(items)
        return [sha256(b"text\n" + text.encode("utf-8", "surrogatepass")).digest() for text in texts]
    return [sha256(b"image\n" + content_of(image, row=row)).digest() for row, image in enumerate(items)]


def _compute(
    trunk: Trunk, wanted: _DistinctViews, missing: list[int], storage: "_Storage"
) -> Iterator[tuple[int, PackedActivations]]:
    """Yield the missing activations, a slice at a time: the number of views, and their activations."""
    for first in range(len(trunk.stages) - 1, -1, -1):
        digest = trunk_digest(trunk.backbone, n_frozen=first)
        earlier = storage.find(digest, [wanted.keys[index] for index in missing])
        known = {key for pack in earlier for key in pack.keys}
        here = [wanted.keys[index] for index in missing if wanted.keys[index] in known]
        missing = [index for index in missing if wanted.keys[index] not in known]
        yield from _continue(trunk, here, earlier, first=first)
    yield from _start(trunk, wanted, missing)


def _continue(
    trunk: Trunk, keys: list[Key], packs: list[PackedActivations], *, first: int
) -> Iterator[tuple[int, PackedActivations]]:
    """Yield the activations of `keys` from those of an earlier freeze point, after `first` stages."""
    earlier = Activations(packs, keys=keys, views=np.arange(len(keys))[:, None], budget_mb=0.0)
    size = SLICE[trunk.backbone.modality]
    for start in range(0, len(keys), size):
        part = np.arange(start, min(start + size, len(keys)))
        done = [
            ([keys[part[row]] for row in rows], trunk(earlier.batch(part[rows]), first=first))
            for rows in _batches(trunk.backbone, earlier.lengths[part].tolist())
        ]
        yield len(part), _pack(done)


def _start(trunk: Trunk, wanted: _DistinctViews, missing: list[int]) -> Iterator[tuple[int, PackedActivations]]:
    """Yield the missing activations from the items themselves; each item is read once for all its views."""
    backbone, preparation = trunk.backbone, trunk.backbone.preparation
    if isinstance(preparation, ImagePreparation):
        preparation = preparation.in_views(wanted.changes)
    size = max(1, SLICE[backbone.modality] // len(wanted.changes))
    views_of: dict[int, list[int]] = {}
    for index in missing:
        views_of.setdefault(wanted.origins[index][0], []).append(index)
    rows = list(views_of)
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
        prepared = dict(zip(part, _prepare(preparation, wanted.items, part), strict=True))
        there = [index for row in part for index in views_of[row]]
        origins = [wanted.origins[index] for index in there]
        inputs = [prepared[row][view] if backbone.modality == "image" else prepared[row] for row, view in origins]
        done = [
            ([wanted.keys[there[one]] for one in batch], trunk(backbone.together([inputs[one] for one in batch])))
            for batch in _batches(backbone, [len(one) for one in inputs])
        ]
        yield len(there), _pack(done)


def _prepare(preparation: Any, items: Items, rows: Sequence[int]) -> list[Tensor]:
    """Return what the first stage reads of some items; an error names the row in `items`."""
    try:
        prepared: list[Tensor] = preparation.prepare([items[row] for row in rows])
    except BadItemError:
        for row in rows:
            preparation.prepare([items[row]], first_row=row)
        raise
    return prepared


def _batches(backbone: Backbone, lengths: Sequence[int]) -> Iterator[Rows]:
    """Return the rows of each batch that the trunk computes."""
    if backbone.modality == "text":
        return batches(lengths, budget=backbone.compute.batch_size(BATCH_TOKENS))
    size = backbone.compute.batch_size(BATCH_IMAGES)
    return (np.arange(first, min(first + size, len(lengths))) for first in range(0, len(lengths), size))


def _pack(done: Sequence[tuple[list[Key], State]]) -> PackedActivations:
    """Return batches of activations as one array, without the padding of texts."""
    keys, lengths, rows, layout = [], [], [], "pooled"
    for batch_keys, state in done:
        x = _to_store(state.x.cpu())
        keys += batch_keys
        if state.mask is not None:
            mask = state.mask.cpu()
            layout, x = "tokens", x[mask]
            lengths.append(mask.sum(dim=1).numpy())
        else:
            lengths.append(np.ones(len(batch_keys), dtype=np.int64))
            if x.ndim == 4:
                layout, x = "feature maps", x.permute(0, 2, 3, 1)
        rows.append(x)
    joined = torch.cat(rows).contiguous()
    dtype = str(joined.dtype).removeprefix("torch.")
    array = joined.view(torch.int16).numpy().view(np.uint16) if dtype == "bfloat16" else joined.numpy()
    return PackedActivations(keys, np.concatenate(lengths), array, dtype, layout)


def _to_tensor(packed: PackedActivations) -> Tensor:
    """Return packed activations as a tensor of their own type, without a copy."""
    if packed.dtype == "bfloat16":
        return torch.from_numpy(packed.rows.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(packed.rows)


def _to_store(x: Tensor) -> Tensor:
    """Return a tensor as it is stored: activations in bfloat16, pooled features in float32, ids in 32 bits."""
    if x.is_floating_point():
        return x.float() if x.ndim == 2 else x.to(torch.bfloat16)
    return x.to(torch.int32) if x.dtype == torch.int64 else x


def _to_compute(x: Tensor) -> Tensor:
    """Return a stored tensor in the type in which it is used."""
    return x.float() if x.is_floating_point() else x.long() if x.dtype == torch.int32 else x


class _Storage:
    """Where new activations are stored: in the cache; without a cache in memory; beyond the budget in files."""

    def __init__(self, cache: VectorCache | None, budget_mb: float) -> None:
        self.cache, self.budget = cache, budget_mb * 1e6
        self.packs: list[PackedActivations] = []
        self.folder: str | None = None  # of the temporary files

    def find(self, digest: str, keys: Sequence[Key]) -> list[PackedActivations]:
        """Return the cached activations of some of `keys`."""
        try:
            return [] if self.cache is None else self.cache.get_activations(digest, keys)
        except CacheError as error:
            self._give_up(error)
            return []

    def add(self, digest: str, pack: PackedActivations) -> None:
        if self.cache is not None:
            try:
                pack = self.cache.put_activations(digest, pack)
            except CacheError as error:
                self._give_up(error)
        self.packs.append(pack if self.folder is None else _spill(pack, self.folder))
        in_memory = sum(one.rows.nbytes for one in self.packs if not isinstance(one.rows, np.memmap))
        if self.folder is None and in_memory > self.budget:
            self.folder = tempfile.mkdtemp(prefix="anyshot-")
            self.packs = [_spill(one, self.folder) for one in self.packs]

    def delete_with(self, owner: object) -> None:
        """Delete the temporary files when `owner` is deleted."""
        if self.folder is not None:
            weakref.finalize(owner, shutil.rmtree, self.folder, ignore_errors=True)

    def _give_up(self, error: CacheError) -> None:
        warn(f"Activations are computed and not stored. {error}")
        self.cache = None


def _spill(pack: PackedActivations, folder: str) -> PackedActivations:
    """Return activations mapped from a temporary file, deleted at once so that a killed process leaves nothing."""
    if isinstance(pack.rows, np.memmap):
        return pack
    file = Path(tempfile.mkdtemp(dir=folder), "rows")
    mapped = pack.mapped_from(file)
    shutil.rmtree(file.parent, ignore_errors=True)  # Windows keeps a mapped file until its owner is deleted
    return mapped
