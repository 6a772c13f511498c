"""Messages between the cloud and its workers: a length of four bytes, then the content."""

from typing import IO

_LENGTH_BYTES = 4


def write_frame(stream: IO[bytes], content: bytes) -> None:
    """Write one message.

    Raises:
        OSError: the other side is gone.
    """
    stream.write(len(content).to_bytes(_LENGTH_BYTES) + content)
    stream.flush()


def read_frame(stream: IO[bytes]) -> bytes:
    """Read one message.

    Raises:
        EOFError: the other side is gone.
    """
    return _read(stream, int.from_bytes(_read(stream, _LENGTH_BYTES)))


def _read(stream: IO[bytes], size: int) -> bytes:
    content = stream.read(size)
    if len(content) < size:
        raise EOFError
    return content
