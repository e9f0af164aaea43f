"""Sealing tokens, so that a copy of the database alone reveals none."""

from __future__ import annotations

import base64
from collections.abc import Sequence

# Loaded only if there is a SECRET_KEY (see `lazy_imports`).
from cryptography import fernet
from cryptography.hazmat.primitives.kdf import scrypt

# The same in every installation: a restored database needs nothing but SECRET_KEY.
SALT = b"spacebot.accounts.1"
# 16 MiB and some 50 ms for each key, which every guess costs too.
COST = {"length": 32, "n": 2**14, "r": 8, "p": 1}


class Unsealable(Exception):
    """Sealed with a key that is no longer there, or tampered with."""


class TokenVault:
    """Seals tokens with the first key; opens those sealed with any of them. Its
    constructor blocks."""

    def __init__(self, keys: Sequence[str]) -> None:
        fernets = [fernet.Fernet(_derived(key)) for key in keys]
        self._fernet = fernet.MultiFernet(fernets) if fernets else None
        self._newest = fernets[0] if fernets else None

    @property
    def is_open(self) -> bool:
        """Whether there is a key."""
        return self._fernet is not None

    def seal(self, owner: str, token: str) -> str:
        """Seal a token. It opens only for the same owner: rows cannot be swapped."""
        assert self._newest is not None
        return self._newest.encrypt(_bound(owner, token)).decode()

    def unseal(self, owner: str, sealed: str) -> str:
        """The token; raises `Unsealable`."""
        if self._fernet is None:
            raise Unsealable
        try:
            opened = self._fernet.decrypt(sealed.encode()).decode()
        except fernet.InvalidToken:
            raise Unsealable from None
        whose, _, token = opened.partition("\n")
        if whose != owner:
            raise Unsealable
        return token

    def is_current(self, sealed: str) -> bool:
        """Whether it is sealed with the first key."""
        try:
            return self._newest is not None and bool(self._newest.decrypt(sealed.encode()))
        except fernet.InvalidToken:
            return False


def _derived(key: str) -> bytes:
    kdf = scrypt.Scrypt(salt=SALT, **COST)
    return base64.urlsafe_b64encode(kdf.derive(key.encode()))


def _bound(owner: str, token: str) -> bytes:
    return f"{owner}\n{token}".encode()
