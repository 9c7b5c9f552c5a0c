"""Messages that wait on disk while the database cannot store them.

Each process appends to a file of its own, which it locks; files of processes that have ended are
taken over. A message is on disk when `add` returns, so a crash loses none that was accepted. A file
is deleted after its messages were stored: a crash between the two stores them again, which their
ids must make harmless.
"""

import asyncio
import fcntl
import json
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from services.platform.ids import new_id
from services.platform.logging import Outage, get_logger

log = get_logger(__name__)

MAX_BYTES = 32 * 1024 * 1024
"""Size of the files of one process, about 100,000 visits."""
MAX_PENDING = 10_000
"""Messages that wait for the disk at a time."""
SUFFIX = ".jsonl"

Message = Mapping[str, Any]
Store = Callable[[Sequence[Message]], Awaitable[object]]


@dataclass
class _SpoolFile:
    """A file of messages, locked while it is open."""

    path: Path
    descriptor: int
    size: int = 0
    messages: int = 0

    def append(self, lines: Sequence[bytes]) -> None:
        """Append lines and wait until they are on disk; on an error none of them is there."""
        data = b"".join(lines)
        try:
            if os.write(self.descriptor, data) != len(data):
                raise OSError("the disk took only a part")
            os.fsync(self.descriptor)
        except OSError:
            os.ftruncate(self.descriptor, self.size)
            raise
        self.size += len(data)
        self.messages += len(lines)

    def read(self) -> list[Message]:
        """Return the messages; the last line may be cut off, by a crash before it was accepted."""
        messages: list[Message] = []
        for line in self.path.read_bytes().splitlines(keepends=True):
            try:
                message = json.loads(line)
            except ValueError:
                if line.endswith(b"\n"):
                    log.error("line on disk cannot be read", file=str(self.path))
                continue
            if line.endswith(b"\n") and isinstance(message, dict):
                messages.append(cast("Message", message))
        return messages

    def delete(self) -> None:
        self.path.unlink(missing_ok=True)
        os.close(self.descriptor)


class DiskSpool:
    """Messages in the files of a folder. Used from one event loop."""

    def __init__(self, folder: Path, *, max_bytes: int = MAX_BYTES) -> None:
        self.lost = 0
        """Messages of this process that could not be kept."""
        self._folder = folder
        self._max_bytes = max_bytes
        self._file: _SpoolFile | None = None
        """The file that messages are appended to."""
        self._full: list[_SpoolFile] = []
        """Files that wait to be stored, of this process and of ended ones."""
        self._pending: list[tuple[bytes, asyncio.Future[bool]]] = []
        self._writer: asyncio.Task[None] | None = None
        self._storing = asyncio.Lock()
        self._files = asyncio.Lock()
        """Held while a file is appended to, or moved among the full ones."""
        self._outage = Outage(log, "disk for messages that wait", level="error")

    @property
    def waiting(self) -> int:
        """Messages on disk, as far as this process knows."""
        return sum(file.messages for file in (*self._full, *filter(None, [self._file])))

    async def add(self, message: Message) -> bool:
        """Keep a message on disk; return whether that was possible, else count it as lost."""
        if len(self._pending) >= MAX_PENDING:
            self.lost += 1
            return False
        kept = asyncio.get_running_loop().create_future()
        self._pending.append((json.dumps(message).encode() + b"\n", kept))
        if self._writer is None:
            self._writer = asyncio.create_task(self._write(), name="spool")
        return await asyncio.shield(kept)

    async def store_waiting(self, store: Store, *, batch: int) -> None:
        """Give the messages on disk to `store`, then delete their files; its errors are raised."""
        async with self._storing:
            async with self._files:
                await asyncio.to_thread(self._take_over)
                if self._file is not None:
                    self._full.append(self._file)
                    self._file = None
            while self._full:
                messages = await asyncio.to_thread(self._full[0].read)
                self._full[0].messages = len(messages)
                for first in range(0, len(messages), batch):
                    await store(messages[first : first + batch])
                await asyncio.to_thread(self._full.pop(0).delete)

    async def close(self) -> None:
        """Close the files, for another process to take over."""
        if self._writer is not None:
            await self._writer
        for file in (*self._full, *filter(None, [self._file])):
            os.close(file.descriptor)
        self._full, self._file = [], None

    async def _write(self) -> None:
        """Write what is pending, each group with one wait for the disk."""
        while self._pending:
            group, self._pending = self._pending, []
            lines = [line for line, _ in group]
            try:
                async with self._files:
                    await asyncio.to_thread(self._append, lines)
            except OSError as error:
                self._outage.failed(error)
                self.lost += len(group)
                kept = False
            else:
                self._outage.succeeded()
                kept = True
            for _, future in group:
                if not future.done():
                    future.set_result(kept)
        self._writer = None

    def _append(self, lines: Sequence[bytes]) -> None:
        size = sum(map(len, lines)) + sum(file.size for file in self._full)
        file = self._file
        if size + (file.size if file is not None else 0) > self._max_bytes:
            raise OSError(f"{self._max_bytes} bytes of messages wait already")
        if file is None:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path = self._folder / f"{new_id()}{SUFFIX}"
            file = _open(path, os.O_CREAT | os.O_EXCL)
            if file is None:
                raise OSError(f"{path} is locked")
            folder = os.open(self._folder, os.O_RDONLY)
            os.fsync(folder)
            os.close(folder)
        file.append(lines)
        self._file = file

    def _take_over(self) -> None:
        """Lock the files of processes that have ended."""
        own = {file.path for file in (*self._full, *filter(None, [self._file]))}
        for path in sorted(self._folder.glob(f"*{SUFFIX}")):
            if path not in own:
                with suppress(FileNotFoundError):
                    file = _open(path)
                    if file is not None:
                        self._full.append(file)


def _open(path: Path, flags: int = 0) -> _SpoolFile | None:
    """Open and lock a file; None if another process has it, or had and deleted it."""
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | flags, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    status = os.fstat(descriptor)
    if status.st_nlink == 0:
        os.close(descriptor)
        return None
    return _SpoolFile(path, descriptor, status.st_size)
