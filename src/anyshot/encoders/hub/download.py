"""Download models from the Hugging Face hub with its own library, which is imported here only."""

import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from huggingface_hub import hf_hub_download, snapshot_download
from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, HFValidationError, RepositoryNotFoundError
from huggingface_hub.utils.tqdm import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

from anyshot.encoders.hub.cache import hub_cache_folder
from anyshot.errors import MissingWeightsError, UnknownEncoderError, first_line


def download_model(source: str, patterns: Sequence[str], *, ignored: Sequence[str]) -> Path:
    """Return the folder in the hub's cache with a model's files that match `patterns`, downloaded as far as needed.

    Raises
    ------
    MissingWeightsError
        The model needs the user's consent, or cannot be downloaded.
    UnknownEncoderError
        There is no such model.
    """
    with _plain_errors(source), _bar_in_terminals_only(), _without_notes_on_retries():
        return Path(
            snapshot_download(
                source, cache_dir=hub_cache_folder(), allow_patterns=list(patterns), ignore_patterns=list(ignored)
            )
        )


def download_file(source: str, name: str, folder: Path) -> Path:
    """Download one file of a model into a folder and return its path. An interrupted download is resumed.

    Raises
    ------
    MissingWeightsError
        The file cannot be downloaded.
    """
    with _plain_errors(source), _bar_in_terminals_only(), _without_notes_on_retries():
        return Path(hf_hub_download(source, name, local_dir=folder))


@contextmanager
def _plain_errors(source: str) -> Iterator[None]:
    """Raise the errors of the hub's library as errors that say what to do."""
    try:
        yield
    except HFValidationError as error:
        raise UnknownEncoderError(
            f"{source!r} is neither a folder nor the id of a model, owner/name: {error}"
        ) from error
    except GatedRepoError as error:
        raise MissingWeightsError(
            f"{source} requires you to accept its terms on its page. Then log in: hf auth login"
        ) from error
    except RepositoryNotFoundError as error:
        raise UnknownEncoderError(f"The hub has no model {source!r} that you can read. Check the spelling.") from error
    except (HfHubHTTPError, OSError) as error:  # no network, or no space
        raise MissingWeightsError(
            f"The model {source} is not on this machine, and the hub cannot be reached "
            f"({first_line(error).rstrip('.')}). Check the network, or run `hf download {source}` once there is one."
        ) from error


@contextmanager
def _without_notes_on_retries() -> Iterator[None]:
    """Let the hub's library try again without logging each try; the error says why it gave up."""
    log = logging.getLogger("huggingface_hub")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(before)


@contextmanager
def _bar_in_terminals_only() -> Iterator[None]:
    """Let the hub show its progress bar in a terminal only."""
    if sys.stderr.isatty() or are_progress_bars_disabled():
        yield
        return
    disable_progress_bars()
    try:
        yield
    finally:
        enable_progress_bars()
