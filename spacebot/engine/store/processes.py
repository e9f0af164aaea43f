"""The processes that share the database, as they last described themselves."""

from __future__ import annotations

import sqlalchemy as sa

from spacebot.engine.store.part import StorePart
from spacebot.engine.store.tables import processes
from spacebot.models import ProcessStatus


class ProcessStore(StorePart):
    """The rows of the processes. What takes a process in or out is `cluster_session`'s."""

    async def all(self) -> tuple[ProcessStatus, ...]:
        """The processes that have not ended, oldest first."""
        columns = [processes.c[name] for name in ProcessStatus.__dataclass_fields__]
        found = await self._rows(sa.select(*columns).order_by(processes.c.id))
        return tuple(ProcessStatus.from_row(row._asdict()) for row in found)
