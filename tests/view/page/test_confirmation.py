"""The page of confirmation times: its chart and its tables say the same."""

import httpx
import pytest

from streams.view.services import Desk
from tests.view.stock import after, changes, state

SAID = {0.2: "under 1 s", 0.999: "under 1 s", 1.0: "1 s", 61.0: "1 min"}


@pytest.mark.parametrize(("seconds", "said"), SAID.items())
async def test_what_took_less_than_the_chart_shows_is_no_other_number_in_the_table(
    desk: Desk, client: httpx.AsyncClient, seconds: float, said: str
) -> None:
    placed = {"topic": "reports.stored", "partition": 0, "offset": 1, "arrived": after(seconds=seconds)}
    desk.store.apply(changes([state(1, "stored", sent_at=after(), stored_record=placed)]))
    page = (await client.get("/en/confirmation")).text
    chart, _, table = page.partition('<svg class="lines"')[2].partition("</svg>")
    assert table.partition("</tbody>")[0].count(f'<td class="number">{said}</td>') == 3
    assert ("≤ 1 s</text>" in chart) == (seconds < 60)
