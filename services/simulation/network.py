"""A whole made-up network: its clinics and therapists, what they post, and the truth that no clinic knows."""

import json
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path

from contracts.events import canonical
from services.simulation.chart import Case, chart
from services.simulation.clinics import Clinic, Therapist, draw_clinics, draw_ref, draw_therapists
from services.simulation.diary import first_day
from services.simulation.latent import Client, Latent, draw_client, draw_course
from services.simulation.posts import Post, posted
from services.simulation.spec import Spec


@dataclass(frozen=True, slots=True)
class Truth:
    """What a rule that judges cases is held against."""

    latent: Latent
    intake: float
    """True ORS (0-40) at the first session, before noise."""
    stalled_or_worse: bool
    """The client's own class is flat or worsening."""


@dataclass(frozen=True, slots=True)
class Network:
    clinics: tuple[Clinic, ...]
    therapists: tuple[Therapist, ...]
    posts: list[Post]
    """By the instant at which they are posted."""
    truth: dict[str, Truth]
    """By the reference of the case."""


def simulate(spec: Spec) -> Network:
    """The network that ``spec`` asks for: each client has one case, opened in any week of the window.

    The same spec gives the same network, event for event, on one version of Python.
    """
    clinics = draw_clinics(spec)
    therapists = draw_therapists(spec, clinics)
    weights = [therapist.caseload for therapist in therapists]
    posts: list[Post] = []
    truth: dict[str, Truth] = {}
    for number in range(spec.clients):
        rng = spec.stream("case", number)
        therapist = rng.choices(therapists, weights=weights)[0]
        case_ref = draw_ref(rng, "ca")
        opened, first = first_day(rng, spec.start + timedelta(weeks=rng.randrange(spec.weeks)))
        fate = spec.stream("course", number)
        client = draw_client(fate, therapist.effects)
        habit = therapist.habit if spec.renegotiates else None
        course = draw_course(
            fate, client, therapist.effects, spec.stream("whims", number), habit, spec.renegotiation_shift
        )
        colleagues = tuple(one for one in therapists if one.clinic is therapist.clinic and one is not therapist)
        case = Case(case_ref, therapist, colleagues, course, opened, first)
        events = chart(rng, spec.stream("wishes", number), case, spec.end)
        posts += posted(spec.stream("posts", number), events, spec)
        truth[case_ref] = _truth(client)
    posts.sort(key=lambda post: (post.posted_at, post.event.id))
    return Network(tuple(clinics), tuple(therapists), posts, truth)


def write(spec: Spec, out: Path, truth: Path | None = None) -> Network:
    """Writes the posts to ``out``, one CloudEvent a line (NDJSON), and what is true of each case to ``truth``.

    Raises OSError where a file cannot be written.
    """
    network = simulate(spec)
    with out.open("wb") as lines:
        lines.writelines(canonical(post.event) + b"\n" for post in network.posts)
    if truth is not None:
        with truth.open("w", encoding="utf-8") as lines_of_truth:
            lines_of_truth.writelines(
                json.dumps({"case_ref": ref, **asdict(known)}) + "\n" for ref, known in network.truth.items()
            )
    return network


def _truth(client: Client) -> Truth:
    return Truth(client.latent, round(client.intake, 1), client.latent in ("flat", "worsening"))
