"""A clearing statement as a file, the same for every face that may show it."""

import asyncio
from datetime import datetime
from pathlib import Path
from uuid import UUID

from litestar import Response

from hutong import clearing
from hutong.clearing import Statement
from hutong.desk import clearings
from hutong.infra.db import Tx
from hutong.kit.refusals import NotFound
from hutong.web.shared import clearings as shown
from hutong.web.shared.files import attachment
from hutong.web.shared.printing import fonts
from hutong.web.shared.visit import Visit

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CHUNK = 1_000


async def file_of(visit: Visit, found: Statement, kind: str) -> Response[bytes]:
    """A file of a statement that the visitor may see. The same statement gives the same bytes in the same language."""
    name = f"clearing-{shown.period_days(found)[0]}-{found.run.number}"
    async with visit.house.db.reading() as tx:
        if kind == "txt":
            text = await clearing.text(tx, found.run.programme_id, run_id=found.run.run_id, party_id=found.party_id)
            return attachment(text or b"", "text/plain; charset=utf-8", f"{name}.txt")
        it = await clearings.sheet(tx, found, now=visit.house.clock.now())
        if kind == "xlsx":
            return attachment(await _workbook(visit, tx, it), XLSX, f"{name}.xlsx")
    with_fonts = fonts(visit.house.settings.font)
    if kind != "pdf" or with_fonts is None:
        raise NotFound()
    made = await asyncio.to_thread(shown.printed, it, visit.t, visit.formats(), with_fonts)
    return attachment(made, "application/pdf", f"{name}-{visit.language}.pdf")


async def _workbook(visit: Visit, tx: Tx, it: clearings.Sheet) -> bytes:
    with shown.folder() as folder:
        path = Path(folder) / "statement"
        book = shown.Book(path, it, visit.t, visit.formats())
        book.summary()
        after: tuple[datetime, UUID] | None = None
        while True:
            some = await clearing.lines(
                tx, it.run.programme_id, run_id=it.run.run_id, party_id=it.statement.party_id, after=after, limit=CHUNK
            )
            await asyncio.to_thread(book.lines, some)
            if len(some) < CHUNK:
                break
            after = some[-1].entry.at, some[-1].entry.transfer_id
        await asyncio.to_thread(book.book.close)
        return await asyncio.to_thread(path.read_bytes)
