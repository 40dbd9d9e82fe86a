"""The head and the body of an answer are one write."""

import asyncio

from anyshot.app.server.joined_writes import JoinedWrites


class Recorded(asyncio.Transport):
    """A transport that keeps what is written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def close(self) -> None:
        self.written.append(b"closed")

    def told(self) -> None:
        self.written.append(b"told")


def test_the_head_and_the_body_of_an_answer_are_sent_together():
    async def written() -> list[bytes]:
        transport = Recorded()
        joined = JoinedWrites(transport, asyncio.get_running_loop(), transport.told)
        for part in (b"head ", b"body", b""):
            joined.write(part)
        await asyncio.sleep(0)
        joined.write(b"next ")
        joined.write(b"a" * 70_000)
        joined.write(b"now")
        joined.flush()
        joined.write(b"last")
        joined.close()
        return transport.written

    assert asyncio.run(written()) == [b"head body", b"next " + b"a" * 70_000, b"now", b"last", b"closed", b"told"]
