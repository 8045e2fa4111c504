"""The ``resonance`` command: what is asked for, and which room answers."""

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Final

from services import commands
from services.access.credential import SCOPES
from services.access.issuers import CLAIM
from services.access.problems import Refused
from services.eventlog.ports import Explained, Unavailable, Unreadable
from services.settings import WrongSetting, read
from services.wiring import InUse

KNOWN: Final = (Explained, InUse, LookupError, OSError, Refused, Unreadable, ValueError)
"""Errors whose message says what is the matter, and nothing about anybody."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns the exit status: 0 done, 1 not done, 2 wrongly asked."""
    asked = _parser().parse_args(arguments)
    try:
        settings = read(os.environ)
        return int(asked.run(settings, asked))
    except WrongSetting as error:
        print(f"resonance: {error}", file=sys.stderr)
        return 2
    except Unavailable as error:
        print(f"resonance: a store cannot be used now ({error}): ask again", file=sys.stderr)
        return 1
    except KNOWN as error:
        print(f"resonance: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="resonance", description="Feedback service for networks of clinics.")
    parser.add_argument("--version", action="version", version=version("resonance"))
    found = parser.add_subparsers(required=True, metavar="command")

    up = found.add_parser("up", help="serve everything in one process: API, projections, alerts, mail, pages")
    up.set_defaults(run=commands.up)

    demo = found.add_parser("demo", help="serve a made-up network and let it live at high speed")
    demo.add_argument("--once", action="store_true", help="load its history, report on one line, and stop")
    demo.add_argument("--seed", type=int, default=1)
    demo.add_argument("--clients", type=int, default=1_600)
    demo.add_argument("--port", type=int, default=None, help="default: RESONANCE_PORT, else 8000")
    demo.set_defaults(run=commands.demo)

    migrate = found.add_parser("migrate", help="bring the logs to this release's schema")
    migrate.set_defaults(run=commands.migrate)

    ingest = found.add_parser("ingest", help="of many processes: serve the API and the pages")
    ingest.add_argument("--demo", action="store_true", help="anyone may sign in as anybody: for made-up data only")
    ingest.set_defaults(run=commands.ingest)
    for name, does in (
        ("relay", "publish the log to Kafka; one leads, others stand by"),
        ("projections", "make the views"),
        ("alerts", "decide who is to be told, and mail"),
    ):
        role = found.add_parser(name, help=f"of many processes: {does}")
        role.add_argument("--workers", type=int, default=1, help="processes; each its own port from RESONANCE_PORT on")
        role.set_defaults(run=commands.role, role=name)

    rebuild = found.add_parser("rebuild", help="make the views anew from the log; sends no mail")
    rebuild.add_argument("--network")
    rebuild.set_defaults(run=commands.rebuild)

    norms = found.add_parser("norms", help="the network's own expected courses").add_subparsers(required=True)
    fit = norms.add_parser(
        "fit", help="fit and test a norm set on the cases known by now, and adopt it for cases to come"
    )
    fit.add_argument("--dry-run", action="store_true", help="adopt nothing")
    fit.add_argument("--anyway", action="store_true", help="adopt it whatever the back-test says")
    fit.set_defaults(run=commands.fit_norms)
    shown = norms.add_parser("show", help="the norm sets that were adopted, or every number of one")
    shown.add_argument("version", nargs="?")
    shown.set_defaults(run=commands.show_norms)
    compared = norms.add_parser("compare", help="what one norm set asks for against another")
    compared.add_argument("old")
    compared.add_argument("new")
    compared.set_defaults(run=commands.compare_norms)
    for command in (fit, shown, compared):
        command.add_argument("--network")

    followed = found.add_parser("followed", help="what followed renegotiations, beside cases without one")
    followed.add_argument("--network")
    followed.set_defaults(run=commands.followed)

    session = found.add_parser("session", help="print a link with which a therapist signs in, for 15 minutes")
    session.add_argument("therapist", help="the therapist's reference")
    session.add_argument("--network")
    session.set_defaults(run=commands.session)

    _parked(found)
    _keys(found)
    _issuers(found)
    _simulation(found)
    return parser


def _parked(found: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parked = found.add_parser("parked", help="cases whose events cannot be folded").add_subparsers(required=True)
    listed = parked.add_parser("list", help="the cases, and the error of each")
    listed.set_defaults(run=commands.list_parked)
    shown = parked.add_parser("show", help="the events of a case: source, id and type")
    shown.add_argument("case")
    shown.set_defaults(run=commands.show_parked)
    retry = parked.add_parser("retry", help="fold these cases, or all, once more")
    retry.add_argument("case", nargs="*")
    retry.set_defaults(run=commands.retry_parked)
    discard = parked.add_parser("discard", help="retract an event of a case, for ever")
    discard.add_argument("case")
    discard.add_argument("source")
    discard.add_argument("id")
    discard.set_defaults(run=commands.discard_parked)
    for command in (listed, shown, retry, discard):
        command.add_argument("--network")


def _keys(found: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    keys = found.add_parser("keys", help="API keys: create, list, revoke").add_subparsers(required=True)
    create = keys.add_parser("create", help="print a new key; it cannot be shown again")
    create.add_argument("--network")
    create.add_argument("--scope", action="append", choices=SCOPES, help="default: all")
    create.add_argument("--clinic", action="append", help="a clinic it may speak for; default: all")
    create.add_argument("--source", action="append", help="a source it may speak for; default: all")
    create.add_argument("--sandbox", action="store_true", help="for a network for trying out, which this makes")
    create.add_argument("--days", type=int, default=365, help="how long it is valid; at most 365")
    create.set_defaults(run=commands.create_key)
    listed = keys.add_parser("list", help="the keys of a network, without their secret part")
    listed.add_argument("--network")
    listed.set_defaults(run=commands.list_keys)
    revoke = keys.add_parser("revoke", help="refuse a key from now on")
    revoke.add_argument("key_id")
    revoke.set_defaults(run=commands.revoke_key)


def _issuers(found: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    issuers = found.add_parser("issuers", help="whose tokens are trusted").add_subparsers(required=True)
    add = issuers.add_parser("add", help="trust an issuer's tokens (JWT) for a network")
    add.add_argument("name", help="what it is called here")
    add.add_argument("--network")
    add.add_argument("--issuer", required=True, help="the `iss` of its tokens, to the letter")
    add.add_argument("--audience", required=True, help="the `aud` of tokens that are for this network")
    add.add_argument("--jwks", required=True, help="the https address of its key set")
    add.add_argument("--claim", default=CLAIM, help="the claim that names the client; default: %(default)s")
    add.set_defaults(run=commands.add_issuer)
    listed = issuers.add_parser("list", help="the issuers of a network")
    listed.add_argument("--network")
    listed.set_defaults(run=commands.list_issuers)
    remove = issuers.add_parser("remove", help="trust it and its clients no longer")
    remove.add_argument("name")
    remove.set_defaults(run=commands.remove_issuer)

    clients = found.add_parser("clients", help="record systems that bear tokens of an issuer").add_subparsers(
        required=True
    )
    add = clients.add_parser("add", help="register one; prints its id here")
    add.add_argument("issuer", help="what its issuer is called here")
    add.add_argument("client", help="what the issuer's claim says of it, to the letter")
    add.add_argument("--scope", action="append", required=True, help=f"{', '.join(SCOPES)}, or system/Observation.c …")
    add.add_argument("--clinic", action="append", help="a clinic it may speak for; default: all")
    add.add_argument("--source", action="append", help="a source it may speak for; default: all")
    add.set_defaults(run=commands.add_client)
    listed = clients.add_parser("list", help="the clients of a network")
    listed.add_argument("--network")
    listed.set_defaults(run=commands.list_clients)
    for name, does, run in (
        ("disable", "refuse its tokens from now on", commands.disable_client),
        ("enable", "take its tokens again", commands.enable_client),
    ):
        command = clients.add_parser(name, help=does)
        command.add_argument("id")
        command.set_defaults(run=run)


def _simulation(found: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    simulate = found.add_parser("simulate", help="write the events of a made-up network")
    simulate.add_argument("--seed", type=int, required=True)
    simulate.add_argument("--clinics", type=int, default=3)
    simulate.add_argument("--therapists", type=int, default=24)
    simulate.add_argument("--clients", type=int, default=600)
    simulate.add_argument("--weeks", type=int, default=26)
    simulate.add_argument("--start", type=date.fromisoformat, help="first day; a fixed one by default")
    simulate.add_argument("--out", type=Path, required=True, help="NDJSON file to write")
    simulate.add_argument("--truth", type=Path, help="NDJSON file for what no clinic knows")
    simulate.set_defaults(run=commands.simulate)

    load = found.add_parser("load", help="post an NDJSON file of events through the API")
    load.add_argument("file", type=Path)
    load.add_argument("--url", help="default: this machine, at RESONANCE_PORT")
    load.add_argument("--key", help="default: the environment's RESONANCE_KEY")
    load.add_argument("--batch", type=int, default=500)
    load.add_argument("--from-line", type=int, default=1)
    load.add_argument("--import", dest="name", help="send the whole file as an import of this name, or go on with it")
    load.set_defaults(run=commands.load)

    judge = found.add_parser("judge-alerts", help="how right the alerts are, where the truth is known")
    judge.add_argument("--cases", type=int, default=5_000)
    judge.add_argument("--seeds", type=_numbers, default=[1, 2, 3], help="as 1,2,3")
    judge.add_argument("--events", type=Path, help="a file of `simulate`, in place of --cases and --seeds")
    judge.add_argument("--truth", type=Path)
    judge.set_defaults(run=commands.judge_alerts)

    tried = found.add_parser("try-policy", help="what a policy would have changed; mails nobody and changes nothing")
    tried.add_argument("file", type=Path, help="the policy, as TOML")
    tried.add_argument("--since", type=date.fromisoformat, help="first day to count; default: all")
    tried.add_argument("--until", type=date.fromisoformat, help="day after the last one; default: now")
    tried.add_argument("--clinic")
    tried.add_argument("--list", action="store_true", help="name the cases that are newly listed, or not any more")
    tried.add_argument("--network")
    tried.add_argument("--events", type=Path, help="a file of `simulate`, in place of the network's log")
    tried.add_argument("--truth", type=Path, help="what `simulate` says is true of it")
    tried.add_argument("--cases", type=int, help="a made-up network of so many cases, in place of the network's log")
    tried.add_argument("--seed", type=int, default=1)
    tried.set_defaults(run=commands.try_policy)


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


if __name__ == "__main__":
    sys.exit(main())
