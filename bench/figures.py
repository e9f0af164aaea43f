"""One measured figure, its target, and how both are shown."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass
class Figure:
    """One figure of all sides. `limit` is what ours may be at most (`at_least`: at least)."""

    what: str
    unit: str
    ours: float
    common: float | None = None
    bare: float | None = None
    rival: float | None = None
    limit: float | None = None
    target: str = ""
    at_least: bool = False

    @property
    def is_met(self) -> bool | None:
        """Whether the target is met; None without one."""
        if self.limit is None:
            return None
        return self.ours >= self.limit if self.at_least else self.ours <= self.limit

    def row(self) -> tuple[str, ...]:
        """The cells of the table."""
        met = {None: "", True: "met", False: "MISSED"}[self.is_met]
        return (
            self.what,
            self._shown(self.ours),
            self._shown(self.common),
            self._shown(self.bare),
            self._ratio(self.common),
            self._ratio(self.bare),
            self._shown(self.rival),
            self.target,
            met,
        )

    def _shown(self, value: float | None) -> str:
        return "" if value is None else f"{value:.3g} {self.unit}".rstrip()

    def _ratio(self, other: float | None) -> str:
        return f"{self.ours / other:.2f}" if other else ""

    def to_json(self) -> dict[str, Any]:
        """The figure with its verdict."""
        return {**asdict(self), "met": self.is_met}
