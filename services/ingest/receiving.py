"""An import while it streams in: lines are read and accepted while those before them are committed and counted.

At most three batches are in memory, so that the length of a file does not matter. Back-pressure takes the place of a
quota: nothing more is read while the log is busy.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from starlette.concurrency import run_in_threadpool
from starlette.types import Receive

from contracts.events import AnyEvent
from services.access.problems import Problem, Refused, problem
from services.eventlog.ports import Appended, Unavailable
from services.ingest.accept import EVENT_LIMIT, Refusal
from services.ingest.commit import Committer, Outcome
from services.ingest.counts import Counts
from services.ingest.door import refusal_of
from services.ingest.imports import Imports, RefusedLine, Run, Turn
from services.ingest.lines import Line, Splitter, Unpacker

BATCH_LINES: Final = 1_000
BATCH_BYTES: Final = 1024 * 1024
SILENCE_SECONDS: Final = 15.0
"""After so long without a byte the client is taken to be gone."""
LINGER_SECONDS: Final = 5.0
"""Lines that came wait for no longer until a batch of them is full."""
PATIENCE_SECONDS: Final = 30.0
"""How long a log that is busy, or cannot be written, is waited for."""
LOOK_AGAIN_SECONDS: Final = 0.05


class _Sent(NamedTuple):
    """A batch that is being committed; ``found`` has an entry for each of ``lines``."""

    lines: Sequence[Line]
    found: Sequence[AnyEvent | Refusal]
    outcomes: asyncio.Future[list[Outcome]]


class Receiving:
    """What a request works with that has its turn at an import.

    ``accept`` says of each line what event it is. It does so in the event loop, as for a batch: in a thread beside the
    one that commits, both would wait for each other more than they work.
    """

    def __init__(
        self,
        imports: Imports,
        committer: Committer,
        accept: Callable[[Sequence[bytes]], Awaitable[list[AnyEvent | Refusal]]],
        counts: Counts,
        clock: Callable[[], datetime],
    ) -> None:
        self._imports = imports
        self._committer = committer
        self._accept = accept
        self._counts = counts
        self._clock = clock

    async def work(self, turn: Turn, run: Run, batches: AsyncIterator[Sequence[Line] | Refused]) -> Run:
        """Settles batch by batch, each durably before the next is, and says how far it has come.

        Raises Refused with whatever ended the stream, once all lines before that are settled; and where the log cannot
        be written (``storage-unavailable``, ``temporary-reduced-capacity``) or another one has the turn.
        """
        before: _Sent | None = None
        async for batch in batches:
            following = batch if isinstance(batch, Refused) else await self._sent(batch)
            if before is not None:
                run = await self._settle(turn, run, before)
            if isinstance(following, Refused):
                raise following
            before = following
        return run if before is None else await self._settle(turn, run, before)

    async def _sent(self, lines: Sequence[Line]) -> _Sent | Refused:
        try:
            return await self._send(lines)
        except Refused as refused:
            return refused

    async def _send(self, lines: Sequence[Line]) -> _Sent:
        read = iter(await self._accept([line.text for line in lines if line.text is not None]))
        found = [_TOO_LONG if line.text is None else next(read) for line in lines]
        return _Sent(lines, found, await self._submit([one for one in found if not isinstance(one, Refusal)]))

    async def _submit(self, events: Sequence[AnyEvent]) -> asyncio.Future[list[Outcome]]:
        """Waits until there is room."""
        loop = asyncio.get_running_loop()
        if not events:
            nothing: asyncio.Future[list[Outcome]] = loop.create_future()
            nothing.set_result([])
            return nothing
        given_up = loop.time() + PATIENCE_SECONDS
        while True:
            try:
                return self._committer.submit(events, hurried=False)
            except Refused:
                if loop.time() > given_up:
                    raise
            await asyncio.sleep(LOOK_AGAIN_SECONDS)

    async def _settle(self, turn: Turn, run: Run, sent: _Sent) -> Run:
        events = [one for one in sent.found if not isinstance(one, Refusal)]
        outcomes = iter(await self._outcomes(events, await sent.outcomes))
        accepted = duplicates = 0
        position = run.position or 0
        refused: list[RefusedLine] = []
        for line, one in zip(sent.lines, sent.found, strict=True):
            outcome = one.problem if isinstance(one, Refusal) else self._told(one, next(outcomes))
            if isinstance(outcome, Problem):
                self._counts.rejected(outcome.slug)
                refused.append(RefusedLine(line.number, one.id, outcome.body().decode()))
            else:
                position = max(position, outcome.position)
                duplicates += outcome.duplicate
                accepted += not outcome.duplicate
        run = Run(
            accepted=run.accepted + accepted,
            duplicates=run.duplicates + duplicates,
            rejected=run.rejected + len(refused),
            position=position or None,
            next_line=sent.lines[-1].number + 1,
        )
        await run_in_threadpool(self._imports.record, turn, run, refused, self._clock())
        return run

    async def _outcomes(self, events: Sequence[AnyEvent], outcomes: Sequence[Outcome]) -> list[Outcome]:
        """The same, where what could not be written now was tried again."""
        found = list(outcomes)
        given_up = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        while waiting := [place for place, outcome in enumerate(found) if isinstance(outcome, Unavailable)]:
            if asyncio.get_running_loop().time() > given_up:
                raise Refused(problem("storage-unavailable"))
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
            again = await (await self._submit([events[place] for place in waiting]))
            for place, outcome in zip(waiting, again, strict=True):
                found[place] = outcome
        return found

    def _told(self, event: AnyEvent, outcome: Outcome) -> Appended | Problem:
        if not isinstance(outcome, Appended) or outcome.conflict:
            return refusal_of(outcome)
        if not outcome.duplicate:
            self._counts.accepted(event.type)
        return outcome


async def batches(
    headers: Mapping[bytes, bytes], receive: Receive, first: int, wanted: int
) -> AsyncIterator[Sequence[Line] | Refused]:
    """The lines of a body as it streams in, numbered from ``first`` on, without those before ``wanted``.

    The last one given may be why the body could not be read to its end.
    """
    splitter = Splitter(first)
    waiting: list[Line] = []
    size = 0
    loop = asyncio.get_running_loop()
    since = loop.time()
    ended: Refused | None = None
    try:
        async for piece in _pieces(headers, receive):
            for line in splitter.feed(piece):
                if line.number >= wanted:
                    waiting.append(line)
                    size += len(line.text or b"")
                if len(waiting) >= BATCH_LINES or size >= BATCH_BYTES:
                    yield waiting
                    waiting, size, since = [], 0, loop.time()
            if waiting and loop.time() > since + LINGER_SECONDS:
                yield waiting
                waiting, size, since = [], 0, loop.time()
        waiting += [line for line in splitter.end() if line.number >= wanted]
    except Refused as refused:
        ended = refused
    if waiting:
        yield waiting
    if ended is not None:
        yield ended


async def _pieces(headers: Mapping[bytes, bytes], receive: Receive) -> AsyncIterator[bytes]:
    """The body as it comes, unpacked if it is gzip. Raises Refused."""
    unpacker = Unpacker() if headers.get(b"content-encoding", b"").strip().lower() == b"gzip" else None
    more = True
    while more:
        try:
            async with asyncio.timeout(SILENCE_SECONDS):
                message = await receive()
        except TimeoutError:
            raise Refused(problem("request-refused", detail="The client fell silent.", status=408)) from None
        if message["type"] == "http.disconnect":
            raise Refused(problem("request-refused", detail="The body ended early."))
        packed = message.get("body", b"")
        if unpacker is None:
            yield packed
        else:
            for piece in unpacker.feed(packed):
                yield piece
        more = message.get("more_body", False)
    if unpacker is not None:
        unpacker.end()


_TOO_LONG: Final = Refusal(None, problem("body-too-large", detail=f"An event has at most {EVENT_LIMIT} bytes."))
