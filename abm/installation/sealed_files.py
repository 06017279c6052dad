"""Files encrypted with a passphrase: scrypt for the key, AES-256-GCM for pieces of one megabyte, in order.

Each piece is bound to its place and to whether it is the last one, so that a cut or shuffled file is refused.
"""

import os
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from core.errors import Refused

MARK = b"ABM-BACKUP-1\n"
_PIECE = 1024 * 1024
_TAG = 16
_SALT = 16
LEAST_PASSPHRASE = 8


def seal(source: BinaryIO, target: Path, passphrase: str) -> None:
    """Write `target` (readable by the owner only), complete or not at all. Refused for a short passphrase."""
    if len(passphrase) < LEAST_PASSPHRASE:
        raise Refused(f"The passphrase is too short: at least {LEAST_PASSPHRASE} characters")
    salt = os.urandom(_SALT)
    box = AESGCM(_key(passphrase, salt))
    unfinished = target.with_name(f".{target.name}.{os.getpid()}")
    handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(MARK + salt)
        number, piece = 0, source.read(_PIECE)
        while True:
            following = source.read(_PIECE)
            file.write(box.encrypt(_nonce(number, is_last=not following), piece, MARK))
            if not following:
                break
            number, piece = number + 1, following
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(target)


def unseal(source: Path, target: BinaryIO, passphrase: str) -> None:
    """Write what was sealed. Refused when it is no backup, the passphrase is wrong, or a byte was changed."""
    size = source.stat().st_size
    with source.open("rb") as file:
        if file.read(len(MARK)) != MARK:
            raise Refused(f"{source.name} is not a backup of this product")
        box = AESGCM(_key(passphrase, file.read(_SALT)))
        number = 0
        while piece := file.read(_PIECE + _TAG):
            try:
                target.write(box.decrypt(_nonce(number, is_last=file.tell() == size), piece, MARK))
            except InvalidTag as error:
                why = "the passphrase is wrong or the file is damaged"
                raise Refused(f"{source.name} cannot be opened: {why}") from error
            number += 1
    if not number:
        raise Refused(f"{source.name} is not complete")


def _key(passphrase: str, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=32, n=2**15, r=8, p=1).derive(passphrase.encode())


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([is_last])
