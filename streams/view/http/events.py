"""Events for those who have no Kafka: pulled one batch after the other, exactly as they are on the topic."""

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from streams.view.http.api import EventFilter
from streams.view.queries.events import EventCursor, pull
from streams.view.responses import PROBLEMS, headers_of, seat_of, tagged

BATCH = "application/cloudevents-batch+json"
EVENTS, MOST_EVENTS = 100, 1_000
CURSOR_CHARACTERS = 8_000  # a place in some three hundred partitions

router = APIRouter(prefix="/api/v1", responses=PROBLEMS)


class EventQuery(EventFilter):
    """Which events, and from where on."""

    after: str | None = Field(
        None, max_length=CURSOR_CHARACTERS, description="Where the last batch ended, as its `Link` has it."
    )
    limit: int = Field(EVENTS, ge=1, le=MOST_EVENTS, description="At most so many events.")

    def following(self, after: str) -> str:
        """The address of the next batch."""
        pairs = self.model_dump(exclude_defaults=True) | {"after": after}
        return f"/api/v1/events?{urlencode(pairs, doseq=True)}"


_BATCH: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "CloudEvents in JSON, none where there are no more yet.",
        "content": {
            BATCH: {
                "schema": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["specversion", "id", "source", "type", "data"],
                        "properties": {"data": {"type": "object", "description": "The value as it is on the topic."}},
                    },
                }
            }
        },
        "headers": {
            "Link": {
                "description": 'The address of the next batch, with `rel="next"`: also of an empty one.',
                "schema": {"type": "string"},
            }
        },
    }
}


@router.get("/events", responses=_BATCH, response_class=Response)
async def events(request: Request, query: Annotated[EventQuery, Query()]) -> Response:
    """What was announced, one batch after the other: each event once, those of a report in their order."""
    seat = seat_of(request)
    seat.ensure_rows()
    seat.within_reach(*query.receiver)
    after = EventCursor.read(query.after) if query.after else None
    question = ("events", query.model_dump_json())
    answer = await seat.answer(question, lambda cursor: pull(cursor, query.conditions(), after, query.limit))
    pulled = answer.found
    await seat.record("read_events", pulled.report_ids, request.url.query)
    headers = headers_of(seat.picture(answer.coverage)) | {
        "Link": f'<{query.following(pulled.cursor.written())}>; rel="next"'
    }
    return tagged(request, f"[{','.join(pulled.events)}]".encode(), BATCH, headers)
