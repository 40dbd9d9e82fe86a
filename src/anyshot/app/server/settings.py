"""Settings of the service."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from anyshot.errors import InputError

MAX_ENTRIES: Final = 10_000
"""Entries of a list of JSON, other than the numbers of a vector: each is checked by itself."""
_MAY_BE_ZERO: Final = frozenset({"port", "cache_mb", "answers_mb"})


@dataclass(frozen=True)
class Settings:
    """How the service runs; the same for each of its processes.

    Raises InputError for a number that is not above 0, or for more items than a list of JSON may have.
    """

    host: str = "127.0.0.1"
    port: int = 8000  # 0: any free one
    workers: int = 1  # processes
    token_file: Path | None = None
    read_only: bool = False  # whether changes are refused
    max_body: int = 10_000_000  # largest body of a request [bytes]
    max_queue: int = 256  # requests that may wait at once
    max_items: int = 1_000  # in one request
    time_limit: float = 30.0  # for one request [s]
    client_limit: float = 30.0  # for a client to send a request, and to read an answer [s]
    kept_versions: int = 20  # of each model, that can be rolled back to
    cache_mb: float = 64.0  # vectors of items in memory [MB]
    answers_mb: float = 16.0  # answers to repeated requests in memory [MB]
    cors_origins: tuple[str, ...] = ()
    log_items: bool = False  # whether logs contain items

    def __post_init__(self) -> None:
        """Refuse numbers that the service cannot run by."""
        for name, value in asdict(self).items():
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if is_number and not (value > 0 or (value == 0 and name in _MAY_BE_ZERO)):
                raise InputError(f"{name} must be {'0 or more' if name in _MAY_BE_ZERO else 'above 0'}, not {value}.")
        if self.max_items > MAX_ENTRIES:
            raise InputError(
                f"max_items={self.max_items:,} is more than a request may have. Choose at most {MAX_ENTRIES:,}; send "
                "several requests."
            )
