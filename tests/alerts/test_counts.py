"""What Prometheus is told: names from closed sets, all there from the start, and nothing about anybody."""

from datetime import timedelta

from prometheus_client import CollectorRegistry, generate_latest

from contracts.data import AlertReason
from services.alerts.counts import Counts, OutboxCollector
from services.alerts.outbox import Backlog
from tests.alerts.workplace import Workplace
from tests.parts import outbox_at
from tests.story import day, stalled

REASON: AlertReason = "stalled"


def test_every_series_is_there_before_anything_happens() -> None:
    registry = CollectorRegistry()
    Counts(registry)
    decisions = {"reason": "unmeasured", "answer": "suppressed:listed_only"}
    assert registry.get_sample_value("resonance_alert_decisions_total", decisions) == 0
    for outcome in ("sent", "deferred", "unreachable", "recipient_refused", "refused_us"):
        assert registry.get_sample_value("resonance_alert_email_attempts_total", {"outcome": outcome}) == 0


def test_what_is_counted_names_nobody(workplace: Workplace) -> None:
    workplace.posts(stalled("ca_canary1").events).works()
    exposed = generate_latest(workplace.registry).decode()
    assert f'resonance_alert_decisions_total{{answer="mailed",reason="{REASON}"}} 1.0' in exposed
    assert 'resonance_alert_email_attempts_total{outcome="sent"} 1.0' in exposed
    for canary in ("canary", "al_", "th_", "@", "K-", "cl_north"):
        assert canary not in exposed


def test_the_backlog_of_all_networks_is_one_number_and_the_oldest_age() -> None:
    registry = CollectorRegistry()
    now = day(1)
    backlogs = [Backlog(2, now - timedelta(minutes=5)), Backlog(1, now - timedelta(minutes=9)), Backlog(0, None)]
    registry.register(OutboxCollector(lambda: backlogs, lambda: now))
    assert registry.get_sample_value("resonance_outbox_pending", {"channel": "email"}) == 3
    assert registry.get_sample_value("resonance_outbox_oldest_seconds", {"channel": "email"}) == 540


def test_an_outbox_that_cannot_be_read_leaves_the_other_metrics_alone(workplace: Workplace) -> None:
    (workplace.home.folder / "broken.db").mkdir()
    workplace.registry.register(
        OutboxCollector(lambda: [outbox_at(workplace.home.folder / "broken.db").backlog()], lambda: day(1))
    )
    exposed = generate_latest(workplace.registry).decode()
    assert "resonance_outbox_pending" not in exposed
    assert "resonance_alert_email_attempts_total" in exposed
