"""What trying a policy found, as text for the terminal; the last line is for machines."""

from collections import Counter
from collections.abc import Callable, Sequence

from services.whatif.figures import Figures
from services.whatif.trying import Tried
from services.whatif.verdict import Verdict, verdict_on

_WIDTH = 44


def report(found: Tried, *, named: bool = False) -> str:
    """Counts only; with ``named`` also the references of the cases that are newly listed and of those that are not any
    more.
    """
    rows = [*_head(found), *_alerts(found), *_mails(found), *_cases(found), *_truth(found)]
    if named:
        rows += _named("newly listed", found.newly_listed) + _named("no longer listed", found.no_longer_listed)
    return "\n".join([*rows, _line(found)])


def _head(found: Tried) -> list[str]:
    span, (cases, therapists) = found.span, found.concerned
    whose = f" of clinic {span.clinic}" if span.clinic else ""
    names = (f"{found.in_force.key} {found.in_force.version}", f"{found.tried.key} {found.tried.version}")
    sizes = f"{span.weeks:.1f} weeks, {len(cases):,} cases, {len(therapists):,} therapists{whose}"
    rows = [
        f"{span.since:%Y-%m-%d} to {span.until:%Y-%m-%d}: {sizes}",
        "",
        f"{'':{_WIDTH}} {'in force':>14} {'tried':>14}",
        f"{'policy':{_WIDTH}} {names[0]:>14} {names[1]:>14}",
    ]
    if found.before.waiting or found.after.waiting:
        rows.append(_row("cases that cannot be judged", found, lambda one: f"{one.waiting:,}"))
    return rows


def _alerts(found: Tried) -> list[str]:
    return [
        _row("alerts", found, lambda one: f"{one.alerts:,}"),
        _row("  for a therapist in a week", found, lambda one: f"{_rate(found, one.alerts):.3f}"),
        _row("  for one therapist in one week, at most", found, lambda one: f"{one.most_in_a_week:,}"),
        *_broken_down("  ", found.before.raised, found.after.raised),
        _row("  about the course", found, lambda one: f"{one.about_course:,}"),
        _row("    cleared unaided", found, lambda one: f"{one.unaided:,}"),
    ]


def _mails(found: Tried) -> list[str]:
    return [
        _row("mails", found, lambda one: f"{one.mails:,}"),
        _row("  for a therapist in a week", found, lambda one: f"{_rate(found, one.mails):.3f}"),
        *_broken_down("  not mailed: ", found.before.suppressed, found.after.suppressed),
    ]


def _broken_down(prefix: str, before: Counter[str], after: Counter[str]) -> list[str]:
    names = sorted({*before, *after})
    return [f"{prefix + name:{_WIDTH}} {before[name]:14,} {after[name]:14,}" for name in names]


def _cases(found: Tried) -> list[str]:
    whole = max(1, len(found.concerned.cases))
    return [
        _row("cases listed", found, lambda one: f"{len(one.listed):,}"),
        _row("cases flagged for their course", found, lambda one: f"{len(one.flagged):,}"),
        _row("  of all cases", found, lambda one: f"{len(one.flagged) / whole:.3f}"),
        f"{'newly listed':{_WIDTH}} {'':14} {len(found.newly_listed):14,}",
        f"{'no longer listed':{_WIDTH}} {'':14} {len(found.no_longer_listed):14,}",
    ]


def _truth(found: Tried) -> list[str]:
    if not found.after.known:
        return []
    measures: Sequence[tuple[str, Callable[[Verdict], float]]] = (
        ("flagged", lambda one: one.flagged),
        ("sensitivity", lambda one: one.sensitivity),
        ("specificity", lambda one: one.specificity),
        ("PPV", lambda one: one.ppv),
        ("lead, in scores", lambda one: one.lead),
    )
    both = verdict_on("in force", found.before.known), verdict_on("tried", found.after.known)
    rows = [f"  {name:{_WIDTH - 2}} {of(both[0]):14.3f} {of(both[1]):14.3f}" for name, of in measures]
    return ["against the truth, of cases that can be judged", *rows]


def _named(what: str, cases: Sequence[str]) -> list[str]:
    return [f"{what}: {case_ref}" for case_ref in cases]


def _row(name: str, found: Tried, figure: Callable[[Figures], str]) -> str:
    return f"{name:{_WIDTH}} {figure(found.before):>14} {figure(found.after):>14}"


def _rate(found: Tried, number: int) -> float:
    """For each therapist and week."""
    return number / max(1, len(found.concerned.therapists)) / found.span.weeks


def _line(found: Tried) -> str:
    after = found.after
    figures = {
        "policy": f"{found.tried.key} {found.tried.version}".replace(" ", "/"),
        "alerts_per_therapist_week": f"{_rate(found, after.alerts):.3f}",
        "mails_per_therapist_week": f"{_rate(found, after.mails):.3f}",
        "listed": str(len(after.listed)),
        "newly_listed": str(len(found.newly_listed)),
        "no_longer_listed": str(len(found.no_longer_listed)),
        "flagged": str(len(after.flagged)),
        "cleared_unaided": str(after.unaided),
        "over_budget": str(after.suppressed["over_budget"]),
    }
    if after.known:
        verdict = verdict_on("tried", after.known)
        figures |= {
            "ppv": f"{verdict.ppv:.3f}",
            "sensitivity": f"{verdict.sensitivity:.3f}",
            "lead": f"{verdict.lead:.1f}",
        }
    return " ".join(f"{name}={value}" for name, value in figures.items())
