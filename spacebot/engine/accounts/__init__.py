"""Hugging Face accounts of members and servers: checked, sealed, and chosen for each job."""

from __future__ import annotations

from spacebot.engine.accounts.accounts import ROLES, TOKENS_PAGE, Accounts
from spacebot.engine.accounts.vault import TokenVault

__all__ = ["ROLES", "TOKENS_PAGE", "Accounts", "TokenVault"]
