"""What each command does once it is understood: a few lines of asking the rooms and printing what they say."""

import os
import signal
import sys
from argparse import Namespace
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import chain
from typing import Final

from rich.console import Console
from rich.progress import Progress, track

from contracts.data import EventKey
from contracts.policies import Policy, policy
from contracts.policies import read as read_policy
from services import adoption, logs, parked, rebuilding, storage, wiring, workers
from services import demo as demonstration
from services import load as loading
from services.access.credential import SCOPES, Scope
from services.access.issuers import ApiClient, Issuer
from services.access.keys import KeyRecord
from services.client import Failed
from services.figures import normtable
from services.outward import NotAllowed, Outward, Unreachable
from services.pages.signin import ticket
from services.serving import Service, server
from services.settings import Settings, WrongSetting
from services.simulation import judge, network, source
from services.simulation.spec import START, Spec
from services.whatif import trying
from services.whatif.figures import Wanted
from services.whatif.history import from_log
from services.whatif.report import report

KEY: Final = "RESONANCE_KEY"
"""Where `load` finds its API key: a command line can be read by others on the machine."""


def up(settings: Settings, _: Namespace) -> int:
    """Serves until it is told to stop (SIGTERM, Ctrl-C); then everything accepted is on disk."""
    if settings.database_url:
        raise WrongSetting("`up` keeps all in one folder; with RESONANCE_DATABASE_URL there is a command for each role")
    _begin()
    with wiring.alone(settings):
        storage.migrate(settings)
        server(Service(settings).app, settings).run()
    return 0


def _begin() -> None:
    """A process that logs to standard error, and ends with status 0 when it is told to stop."""
    logs.to_stderr()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # the server raises it once more when all is closed


def demo(settings: Settings, asked: Namespace) -> int:
    console = Console(stderr=True)
    port = settings.port if asked.port is None else asked.port
    wanted = demonstration.Wanted(seed=asked.seed, clients=asked.clients, stay=not asked.once)
    return demonstration.run(replace(settings, port=port), wanted, console)


def migrate(settings: Settings, _: Namespace) -> int:
    for name in storage.migrate(settings):
        print(f"{name}: the log is as this release needs it")
    return 0


def role(settings: Settings, asked: Namespace) -> int:
    """Works in one role until it is told to stop; in several processes where that is asked for."""
    if not settings.database_url or not settings.kafka:
        raise WrongSetting("roles need RESONANCE_DATABASE_URL and RESONANCE_KAFKA; for one process there is `up`")
    _begin()
    if asked.workers > 1:
        return workers.supervise([sys.executable, "-m", "services", asked.role], asked.workers, settings.port)
    from services import roles  # Kafka's client is slow to import

    return roles.serve(settings, asked.role)


def ingest(settings: Settings, asked: Namespace) -> int:
    """Serves the API and the pages until it is told to stop; other processes do what follows."""
    if not settings.database_url:
        raise WrongSetting("ingest needs RESONANCE_DATABASE_URL; for one process there is `up`")
    _begin()
    server(Service(replace(settings, demo=asked.demo)).app, settings).run()
    return 0


def rebuild(settings: Settings, asked: Namespace) -> int:
    name = asked.network or settings.network
    if settings.database_url:
        return _rebuild_beside(settings, name)
    position, cases = wiring.rebuild(settings, name)
    print(f"{name}: {cases} cases, views at position {position}")
    return 0


def _rebuild_beside(settings: Settings, name: str) -> int:
    with Progress(console=Console(stderr=True)) as bar:
        steps = {doing: bar.add_task(doing, total=None) for doing in ("events", "cases")}
        made = rebuilding.rebuild(
            settings,
            name,
            lambda doing, done, whole: bar.update(steps[doing], completed=done, total=whole),
            wiring.utc_now(),
        )
    print(f"{name}: {made.cases} cases, views at position {made.position}")
    print(f"compared with the old views: {made.compared} cases, {made.different} different")
    return 0


def list_parked(settings: Settings, asked: Namespace) -> int:
    for one in parked.cases(settings, asked.network or settings.network):
        print(f"{one.case_ref}  {one.error} at position {one.position}")
    return 0


def show_parked(settings: Settings, asked: Namespace) -> int:
    for event in parked.events(settings, asked.network or settings.network, asked.case):
        print(f"{event.source}  {event.id}  {event.type}")
    return 0


def retry_parked(settings: Settings, asked: Namespace) -> int:
    """Returns 1 where a case is still parked."""
    mended = parked.retry(settings, asked.network or settings.network, asked.case, wiring.utc_now())
    left = parked.cases(settings, asked.network or settings.network)
    print(f"{len(mended)} cases go on, {len(left)} are still parked")
    return 1 if left else 0


def discard_parked(settings: Settings, asked: Namespace) -> int:
    key = EventKey(source=asked.source, id=asked.id)
    parked.discard(settings, asked.network or settings.network, asked.case, key, wiring.utc_now())
    print("the event is retracted; the case goes on once the projections have seen that")
    return 0


def fit_norms(settings: Settings, asked: Namespace) -> int:
    """Fits, tests and adopts; returns 1 where there was nothing to adopt, or only what the back-test speaks against."""
    rules, name = policy(settings.policy), asked.network or settings.network
    with Progress(console=Console(stderr=True)) as bar:
        step = bar.add_task("back-test", total=None)
        found = adoption.propose(
            settings, name, rules, wiring.utc_now, lambda done, of: bar.update(step, completed=done, total=of)
        )
    _print(normtable.outline(found.norms), normtable.tested(found.backtest, rules.norms))
    if found.compared:
        print(f"against {found.compared.old.version}, which is in force:")
        _print(normtable.switched(found.compared.shifts, found.compared.sides))
    if found.norms.is_empty:
        print("too few cases for a norm set: nothing is adopted")
        return 1
    if asked.dry_run:
        print(f"norm set {found.norms.version} is not adopted: a dry run")
        return 0
    if found.is_off(rules.norms) and not asked.anyway:
        print(f"norm set {found.norms.version} is not adopted: the back-test speaks against it (--anyway adopts it)")
        return 1
    adoption.adopt(settings, name, found.norms, rules, wiring.utc_now())
    print(f"norm set {found.norms.version} is adopted, for cases that begin from now on")
    return 0


def show_norms(settings: Settings, asked: Namespace) -> int:
    """One set whole, or which there are."""
    known = adoption.norm_sets(settings, asked.network or settings.network)
    if asked.version:
        _print(normtable.whole(adoption.named(known, asked.version)))
    elif not known:
        print("no norm set was adopted yet; `resonance norms fit` fits one")
    for one in known if not asked.version else []:
        print(f"norm set {one.version}, for cases that begin from {one.effective_from:%Y-%m-%d %H:%M} UTC on")
        _print(normtable.outline(one))
    return 0


def compare_norms(settings: Settings, asked: Namespace) -> int:
    found = adoption.compare(settings, asked.network or settings.network, asked.old, asked.new)
    _print(normtable.switched(found.shifts, found.sides))
    return 0


def _print(*texts: Iterable[str]) -> None:
    for line in chain(*texts):
        print(line)


def followed(settings: Settings, asked: Namespace) -> int:
    from services.figures import following, followtable  # numpy is slow to import

    name = asked.network or settings.network
    storage.secret_of(settings, name)  # which fails where there is no such network
    with closing(storage.open_views(settings, name)) as views:
        found = following.of_network(views, policy(settings.policy), wiring.utc_now())
    _print(followtable.table(found))
    return 0


def session(settings: Settings, asked: Namespace) -> int:
    name = asked.network or settings.network
    secret = storage.secret_of(settings, name)
    base = settings.public_url if name == settings.network else f"{settings.public_url}/{name}"
    print(f"{base}/signin/{ticket(name, asked.therapist, secret, wiring.now_in(settings, name))}")
    return 0


def create_key(settings: Settings, asked: Namespace) -> int:
    keys = storage.open_keys(settings)
    name = asked.network or settings.network
    keys.add_network(name, sandbox=True if asked.sandbox else None)
    life = timedelta(days=asked.days)
    scopes: Sequence[Scope] = asked.scope or SCOPES
    print(keys.create(name, scopes, wiring.utc_now(), clinics=asked.clinic, sources=asked.source, life=life))
    keys.close()
    return 0


def list_keys(settings: Settings, asked: Namespace) -> int:
    keys = storage.open_keys(settings)
    for record in keys.records(asked.network or settings.network):
        state = f"revoked {record.revoked:%Y-%m-%d}" if record.revoked else f"valid until {record.expires:%Y-%m-%d}"
        print(f"{record.key_id}  {state}  {_reach(record)}")
    keys.close()
    return 0


def revoke_key(settings: Settings, asked: Namespace) -> int:
    keys = storage.open_keys(settings)
    revoked = keys.revoke(asked.key_id, wiring.utc_now())
    keys.close()
    return _told(revoked, "revoked; a running service refuses it within a minute", "there is no such valid key")


def add_issuer(settings: Settings, asked: Namespace) -> int:
    name = asked.network or settings.network
    storage.secret_of(settings, name)  # which fails where there is no such network
    try:
        Outward(settings.inward).check(asked.jwks)
    except (NotAllowed, Unreachable) as error:
        raise ValueError(f"the key set is not at an address that may be called: {error}") from None
    with closing(storage.open_issuers(settings)) as issuers:
        issuers.add(Issuer(asked.name, name, asked.issuer, asked.audience, asked.jwks, asked.claim))
    return 0


def list_issuers(settings: Settings, asked: Namespace) -> int:
    with closing(storage.open_issuers(settings)) as issuers:
        for one in issuers.of_network(asked.network or settings.network):
            print(f"{one.name}  {one.issuer}  {one.audience}  {one.jwks}  {one.claim}")
    return 0


def remove_issuer(settings: Settings, asked: Namespace) -> int:
    with closing(storage.open_issuers(settings)) as issuers:
        done = issuers.remove(asked.name)
    return _told(done, "removed; a running service refuses its tokens within a minute", "there is no such issuer")


def add_client(settings: Settings, asked: Namespace) -> int:
    with closing(storage.open_issuers(settings)) as issuers:
        now = wiring.utc_now()
        limits = {"clinics": asked.clinic, "sources": asked.source}
        print(issuers.add_client(asked.issuer, asked.client, asked.scope, now, **limits))
    return 0


def list_clients(settings: Settings, asked: Namespace) -> int:
    with closing(storage.open_issuers(settings)) as issuers:
        for one in issuers.clients(asked.network or settings.network):
            state = f"disabled {one.disabled:%Y-%m-%d}" if one.disabled else "enabled"
            print(f"{one.id}  {state}  {one.issuer}  {one.client}  {_reach(one)}")
    return 0


def disable_client(settings: Settings, asked: Namespace) -> int:
    with closing(storage.open_issuers(settings)) as issuers:
        done = issuers.disable(asked.id, wiring.utc_now())
    return _told(done, "disabled; a running service refuses its tokens within a minute", "there is no such client")


def enable_client(settings: Settings, asked: Namespace) -> int:
    with closing(storage.open_issuers(settings)) as issuers:
        return _told(issuers.enable(asked.id), "enabled", "there is no such client that is disabled")


def _reach(one: KeyRecord | ApiClient) -> str:
    clinics = ",".join(sorted(one.clinics)) if one.clinics is not None else "all clinics"
    sources = ",".join(sorted(one.sources)) if one.sources is not None else "all sources"
    return f"{','.join(sorted(one.scopes))}  {clinics}  {sources}"


def _told(done: bool, yes: str, no: str) -> int:
    print(yes if done else no)
    return 0 if done else 1


def simulate(_: Settings, asked: Namespace) -> int:
    sizes = (asked.clinics, asked.therapists, asked.clients, asked.weeks)
    spec = Spec(asked.seed, *sizes, start=asked.start or START)
    made = network.write(spec, asked.out, asked.truth)
    print(f"{len(made.posts)} events of {len(made.truth)} cases")
    return 0


def load(settings: Settings, asked: Namespace) -> int:
    key = asked.key or os.environ.get(KEY)
    if not key:
        raise ValueError(f"an API key is needed: --key, or {KEY} in the environment")
    url = asked.url or settings.own_url
    try:
        if asked.name:
            summary = loading.import_file(asked.file, url, key, asked.name)
        else:
            summary = loading.load(asked.file, url, key, batch=asked.batch, from_line=asked.from_line)
    except Failed as failed:
        print(f"resonance: {failed}", file=sys.stderr)
        return 1
    except loading.Stopped as stopped:
        print(stopped.summary.report())
        print(f"resonance: {stopped}", file=sys.stderr)
        return 1
    print(summary.report())
    return summary.exit_code


def judge_alerts(settings: Settings, asked: Namespace) -> int:
    rules = policy(settings.policy)
    if (asked.events is None) != (asked.truth is None):
        raise ValueError("--events and --truth go together")
    if asked.events is not None:
        found = [judge.judge(*judge.read(asked.events, asked.truth), rules)]
    else:
        seeds = track(asked.seeds, "judging", console=Console(stderr=True))
        found = [judge.judge(*judge.network(seed, asked.cases), rules) for seed in seeds]
    print(judge.table(judge.mean_of(found)))
    return 0


def try_policy(settings: Settings, asked: Namespace) -> int:
    rules = policy(settings.policy)
    tried = read_policy(asked.file.read_text("utf-8"))
    wanted = Wanted(asked.since, asked.until, asked.clinic)
    bar = partial(track, description="replaying", console=Console(stderr=True))
    print(report(trying.try_policy(_source(settings, asked, rules), rules, tried, wanted, bar), named=asked.list))
    return 0


def _source(settings: Settings, asked: Namespace, rules: Policy) -> trying.Source:
    if asked.events is not None:
        return partial(source.from_files, asked.events, asked.truth, rules)
    if asked.cases is not None:
        return partial(source.from_seed, asked.seed, asked.cases, rules)
    name = asked.network or settings.network
    return partial(from_log, settings, name, storage.secret_of(settings, name), wiring.utc_now())
