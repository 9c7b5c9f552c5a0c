"""Encryption of a stream by a passphrase, in the format of age (age-encryption.org/v1).

`age --decrypt` reads it too, so that a backup can be opened without this program. The file is a
header, which holds the file's key encrypted by a key derived from the passphrase (scrypt), and
chunks of 64 KiB (ChaCha20-Poly1305), numbered and with a mark of the last one: a chunk that was
changed, moved or cut off is noticed when it is read. Specification: C2SP, age.md.
"""

import hashlib
import hmac
import os
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

MAGIC = b"age-encryption.org/v1\n"
CHUNK = 64 * 1024
TAG = 16
WORK_FACTOR = 17
"""log2 of scrypt's N; with r = 8 it takes 128 MiB and about half a second."""
MAX_WORK_FACTOR = 22
"""A file may not ask for more: 4 GiB, as the program `age` reads."""
MAX_LINE = 256


class EncryptionError(ValueError):
    """The stream cannot be decrypted; the message says why."""


class EncryptedWriter:
    """Encrypts what is written; nothing is complete before `finish`."""

    def __init__(self, file: BinaryIO, passphrase: bytes) -> None:
        self._file = file
        file_key = os.urandom(16)
        salt = os.urandom(16)
        wrapped = ChaCha20Poly1305(_wrapping_key(passphrase, salt, WORK_FACTOR)).encrypt(
            bytes(12), file_key, None
        )
        header = MAGIC + b"-> scrypt %b %d\n%b\n---" % (
            _encode(salt),
            WORK_FACTOR,
            _encode(wrapped),
        )
        nonce = os.urandom(16)
        file.write(header + b" %b\n" % _encode(_header_mac(file_key, header)) + nonce)
        self._cipher = ChaCha20Poly1305(_derive(file_key, nonce, b"payload"))
        self._number = 0
        self._pending = bytearray()

    def write(self, content: bytes) -> int:
        """Encrypt all chunks that are full and known not to be the last."""
        self._pending += content
        while len(self._pending) > CHUNK:
            self._write_chunk(bytes(self._pending[:CHUNK]), is_last=False)
            del self._pending[:CHUNK]
        return len(content)

    def finish(self) -> None:
        """Write the last chunk."""
        self._write_chunk(bytes(self._pending), is_last=True)

    def _write_chunk(self, plain: bytes, *, is_last: bool) -> None:
        self._file.write(self._cipher.encrypt(_nonce(self._number, is_last=is_last), plain, None))
        self._number += 1


class EncryptedReader:
    """Decrypts a stream chunk by chunk; returns nothing of a chunk that was changed."""

    def __init__(self, file: BinaryIO, passphrase: bytes) -> None:
        self._file = file
        file_key = _read_header(file, passphrase)
        self._cipher = ChaCha20Poly1305(_derive(file_key, _read_exactly(file, 16), b"payload"))
        self._number = 0
        self._plain = b""
        self._next = file.read(CHUNK + TAG)
        self._is_over = False

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes; none at the end.

        Raises:
            EncryptionError: The stream was changed or cut off here.
        """
        parts: list[bytes] = []
        wanted = size
        while wanted > 0:
            if not self._plain:
                if self._is_over:
                    break
                self._plain = self._read_chunk()
                continue
            parts.append(self._plain[:wanted])
            self._plain = self._plain[wanted:]
            wanted -= len(parts[-1])
        return b"".join(parts)

    def _read_chunk(self) -> bytes:
        encrypted, self._next = self._next, self._file.read(CHUNK + TAG)
        self._is_over = not self._next
        try:
            plain = self._cipher.decrypt(
                _nonce(self._number, is_last=self._is_over), encrypted, None
            )
        except InvalidTag:
            raise EncryptionError("it is damaged or incomplete") from None
        self._number += 1
        return plain


def _read_header(file: BinaryIO, passphrase: bytes) -> bytes:
    """Return the file's key."""
    header = MAGIC
    if _read_line(file) != MAGIC:
        raise EncryptionError("it is not encrypted in the format of age, version 1")
    line = _read_line(file)
    arguments = line.split()
    if len(arguments) != 4 or arguments[:2] != [b"->", b"scrypt"]:
        raise EncryptionError("it is encrypted for a key, not by a passphrase")
    try:
        salt, factor = _decode(arguments[2]), int(arguments[3])
        body = _read_line(file)
        wrapped = _decode(body.strip())
        last = _read_line(file)
        mark, _, mac = last.strip().partition(b" ")
        found_mac = _decode(mac)
    except (Base64Error, ValueError):
        raise EncryptionError("its header is damaged") from None
    if mark != b"---" or len(salt) != 16 or len(wrapped) != 32:
        raise EncryptionError("its header is damaged")
    if not 1 <= factor <= MAX_WORK_FACTOR:
        raise EncryptionError(f"its work factor is {factor}, and at most {MAX_WORK_FACTOR} is read")
    header += line + body + mark
    try:
        file_key = ChaCha20Poly1305(_wrapping_key(passphrase, salt, factor)).decrypt(
            bytes(12), wrapped, None
        )
    except InvalidTag:
        raise EncryptionError("the passphrase is another one, or its header is damaged") from None
    if not hmac.compare_digest(_header_mac(file_key, header), found_mac):
        raise EncryptionError("its header is damaged")
    return file_key


def _read_line(file: BinaryIO) -> bytes:
    line = file.readline(MAX_LINE)
    if not line.endswith(b"\n"):
        raise EncryptionError("its header is damaged or incomplete")
    return line


def _read_exactly(file: BinaryIO, size: int) -> bytes:
    found = file.read(size)
    if len(found) != size:
        raise EncryptionError("it is damaged or incomplete")
    return found


def _wrapping_key(passphrase: bytes, salt: bytes, factor: int) -> bytes:
    salted = b"age-encryption.org/v1/scrypt" + salt
    return Scrypt(salt=salted, length=32, n=2**factor, r=8, p=1).derive(passphrase)


def _derive(file_key: bytes, salt: bytes | None, purpose: bytes) -> bytes:
    return HKDF(hashes.SHA256(), 32, salt=salt, info=purpose).derive(file_key)


def _header_mac(file_key: bytes, header: bytes) -> bytes:
    return hmac.digest(_derive(file_key, None, b"header"), header, hashlib.sha256)


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(11, "big") + (b"\x01" if is_last else b"\x00")


def _encode(content: bytes) -> bytes:
    return b64encode(content).rstrip(b"=")


def _decode(content: bytes) -> bytes:
    return b64decode(content + b"=" * (-len(content) % 4), validate=True)
