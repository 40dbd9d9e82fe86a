"""The socket of a server: an error that no file can be opened is not followed by thousands of the same."""

import errno
import resource
import socket

import pytest

from anyshot.app.server.listening import listening


def test_after_the_error_that_no_file_can_be_opened_nobody_waits_for_a_moment():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with listening("127.0.0.1", 0, remedy="") as bound, socket.create_connection(bound.getsockname()):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
            with pytest.raises(OSError, match="open files") as caught:
                bound.accept()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert caught.value.errno == errno.EMFILE
        with pytest.raises(BlockingIOError):  # as if nobody waited, so that asyncio goes on in a second
            bound.accept()
        bound._paused_until = 0.0
        bound.accept()[0].close()
