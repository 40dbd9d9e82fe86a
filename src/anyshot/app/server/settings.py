"""Settings of the service."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """How the service runs; the same for each of its processes."""

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
