"""The Hub's answers about Spaces and accounts. Texts are their authors' own: escape them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

# The Hub's tag for adult content.
ADULT_TAG = "not-for-all-audiences"
RUNNING_STAGES = frozenset({"RUNNING", "RUNNING_BUILDING", "RUNNING_APP_STARTING"})
ASLEEP_STAGES = frozenset({"SLEEPING", "STOPPED"})


@dataclass(frozen=True, slots=True)
class SpaceListing:
    """A Space as the Hub lists it; `space` is "owner/name".

    Fields that the Hub does not fill are empty. `hardware` is the Hub's name for it ("zero-a10g");
    `category` and `description` may be the Hub's own guess.
    """

    space: str
    author: str
    title: str = ""
    description: str = ""
    category: str = ""
    likes: int = 0
    sdk: str = ""
    stage: str = ""
    hardware: str = ""
    tags: tuple[str, ...] = ()
    private: bool = False
    disabled: bool = False
    hub_id: str = ""

    @property
    def nsfw(self) -> bool:
        """Whether its author says that it is not for everyone."""
        return ADULT_TAG in self.tags

    @property
    def runs(self) -> bool:
        """Whether it serves now."""
        return self.stage in RUNNING_STAGES

    @property
    def sleeps(self) -> bool:
        """Whether it serves after being woken by its first use."""
        return self.stage in ASLEEP_STAGES

    @property
    def on_zero_gpu(self) -> bool:
        """Whether its GPU time counts against the quota of the account that uses it."""
        return self.hardware.startswith("zero")


def is_among(spaces: Collection[str], space: str, hub_id: str) -> bool:
    """Whether a Space is among these names in lower case and ids of the Hub."""
    return space.casefold() in spaces or (bool(hub_id) and hub_id in spaces)


@dataclass(frozen=True, slots=True)
class HubUser:
    """A token's owner, and what it may do.

    `role` is the Hub's word: "read", "write" or "fineGrained"; `scopes` are the permissions of a
    fine-grained one ("repo.content.read").
    """

    name: str
    role: str = ""
    scopes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class GpuQuota:
    """An account's ZeroGPU seconds. `resets_at` is None while none were used.

    An account that `pays_beyond` can continue when none are left.
    """

    total: float
    left: float
    resets_at: datetime | None = None
    pays_beyond: bool = False
