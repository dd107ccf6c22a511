"""What a real worker and a real view show, held against alerts, dashboard and what may be shown at all."""

import re
import time
from collections import defaultdict

import pytest

from streams.engine.tally import CASE_SYSTEMS, CHANNELS
from tests.system.operations.conftest import MUNICIPALITIES, NATIONAL_ID, Eventful
from tests.system.operations.promtool import OURS, promtool, queries, rules, sample_names, samples

pytestmark = [pytest.mark.kafka, pytest.mark.asyncio(loop_scope="module")]

# Shown only once it has happened, and that cannot be made to happen here at will; the policy here has no feed.
FEEDS = {f"meldingsvakt_feed_{name}_seconds" for name in ("heard_timestamp", "vouched_until_timestamp", "patience")}
RARE = {"meldingsvakt_fetch_errors_total", "meldingsvakt_losses", *FEEDS}


async def test_alerts_and_dashboard_ask_for_nothing_that_is_not_shown(eventful: Eventful) -> None:
    shown = set().union(*map(sample_names, await eventful.metrics()))
    asked = {name for query in [*queries(), *(rule["expr"] for rule in rules())] for name in OURS.findall(query)}
    assert len(asked) > 20
    assert asked <= shown


async def test_every_metric_has_a_figure_once_it_has_something_to_tell(eventful: Eventful) -> None:
    for text in await eventful.metrics():
        assert sample_names(text) - {name for name, _ in samples(text)} <= RARE


async def test_promtool_finds_nothing_to_say_about_their_names(eventful: Eventful) -> None:
    for text in await eventful.metrics():
        promtool("check", "metrics", told=text)


async def test_no_label_tells_of_a_receiver_a_report_or_a_person(eventful: Eventful) -> None:
    closed = {"case_system": {*CASE_SYSTEMS, "other"}, "channel": {*CHANNELS, "other"}}
    for text in await eventful.metrics():
        values = defaultdict(set)
        for _, labels in samples(text):
            for name, value in labels:
                values[name].add(value)
        assert all(values[name] <= known for name, known in closed.items())
        assert not values.keys() & {"receiver", "municipality", "district", "unit_id", "report_id"}
        every = set().union(*values.values())
        assert not every & {*MUNICIPALITIES, *eventful.reports, "BREVDUE", "ET_NYTT_SYSTEM", "unit-7", NATIONAL_ID}
        assert not [value for value in every if re.search(r"[0-9a-f]{8}-|[0-9]{11}", value)]


async def test_the_worker_shows_what_has_happened(eventful: Eventful) -> None:
    text, _, _ = await eventful.metrics()
    found = samples(text)

    def total(metric: str, **labels: str) -> float:
        wanted = set(labels.items())
        return sum(
            figure for (name, given), figure in found.items() if name == "meldingsvakt_" + metric and wanted <= given
        )

    home = total("events_total", outcome="sent_home")
    assert 0 < home == total("misplaced_total", fault="wrong_partition")
    assert total("events_total") == total("records_total") == 14 + home  # the copies are read once more
    assert total("misplaced_total", fault="no_key") == 1
    assert total("rejected_total") == total("events_total", outcome="rejected") >= 2
    assert total("missing_total") == 4
    assert total("missing_total", reason="receipted_not_stored", case_system="VISMA_FAMILIA") == 1
    assert total("missing_total", reason="no_receipt", case_system="other") == 1
    assert total("recovered_total", cause="stored_late") == 1
    assert total("receiver_burst_reports") == 3
    assert total("dropped_properties_total") == 2
    assert total("confirmation_seconds_count", channel="FIKS_IO") == 1
    assert total("confirmation_seconds_count", channel="other") == 1
    assert total("detection_delay_seconds_count") == 4
    assert 0 < total("detection_delay_seconds_sum") < 4 * 5
    assert total("reports", status="missing") == 3
    assert total("reports") == total("sent_reports") == 6
    assert total("reports", status="pending") == 1
    assert eventful.began < total("oldest_pending_timestamp_seconds") < time.time()
    assert total("books_difference_reports") == 0
    assert total("partitions") == 2
    assert total("ready") == 0  # there is a gap
    assert total("gap", cause="open_transaction") == 2
    assert total("completeness_age_seconds") > 4
    assert total("commit_seconds_count") > 4
    for partition in ("0", "1"):
        assert eventful.began < total("complete_until_timestamp_seconds", partition=partition) < time.time()
        assert 0 < total("restore_seconds", partition=partition) < 20


async def test_the_view_shows_what_it_was_asked_by_the_template_of_the_route(eventful: Eventful) -> None:
    for _ in range(3):
        assert eventful.viewing.get(f"/api/v1/reports/{eventful.reports[0]}").status_code == 200
    assert eventful.viewing.get("/api/v1/reports/nothing").status_code == 422
    assert eventful.viewing.get("/no/such/0301").status_code == 404
    found = samples(eventful.viewing.get("/metrics").text)

    def requests(route: str, status: str) -> float:
        labels = frozenset({("route", route), ("method", "GET"), ("status", status)})
        return found["meldingsvakt_view_requests_total", labels]

    assert requests("/api/v1/reports/{report_id}", "200") == 3
    assert requests("/api/v1/reports/{report_id}", "422") == 1
    assert requests("other", "404") >= 1
    assert found["meldingsvakt_view_books_difference_reports", frozenset()] == 0
    assert found["meldingsvakt_view_gaps", frozenset()] == 2
    assert found["meldingsvakt_view_records_total", frozenset({("topic", "missing")})] == 5


@pytest.mark.parametrize(
    ("paths", "status", "word"),
    [
        (("/livez", "/isAlive", "/internal/isalive"), 200, "alive"),
        (("/readyz", "/isReady", "/internal/isready"), 503, "open_transaction"),
        (("/metrics", "/internal/metrics", "/internal/prometheus"), 200, "meldingsvakt_"),
    ],
)
async def test_the_names_that_nais_uses_mean_the_same(
    eventful: Eventful, paths: tuple[str, ...], status: int, word: str
) -> None:
    for path in paths:
        said, text = await eventful.worker.get(path)
        assert said == status
        assert word in text
        answer = eventful.viewing.get(path)
        assert answer.status_code == 200  # its tables are well, whatever the worker cannot see
        assert answer.text
