"""The settings: what stands in the environment under RESONANCE_, read once, refused where it is unknown or wrong."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import psycopg
from psycopg.conninfo import conninfo_to_dict

from contracts.fhir import Codes, codes
from contracts.policies import DEFAULT

PREFIX: Final = "RESONANCE_"
ELSEWHERE: Final = frozenset({"RESONANCE_KEY"})
"""Read by a command and no setting of the service: the API key that `resonance load` posts with."""
SECRET: Final = frozenset({"database_url", "smtp_url"})
"""Settings that can hold a secret: also taken from the file that ``RESONANCE_<NAME>_FILE`` names."""


_AFTER: Final = re.compile(r"([a-z][a-z0-9-]{0,31}=[0-9]{1,18})?")
_HOST: Final = r"([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?"
_HOSTS: Final = re.compile(f"({_HOST}(,{_HOST})*)?")
NUMBERS: Final = {
    "port": range(1, 65_536),
    "kafka_replication": range(1, 8),
    "events_per_minute": range(1_000, 100_000_001),  # a batch at least, or none would ever be let in
}


class WrongSetting(ValueError):
    """A setting is unknown or cannot be used. Names the setting, never its value."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How one process is run; every field is ``RESONANCE_<FIELD>`` in the environment."""

    data: Path = Path("data")
    """The folder that holds the keys and, per network, the log, the views and the outbox."""
    database_url: str = field(default="", repr=False)
    """The PostgreSQL database of an installation of many processes; without one all is kept in ``data``."""
    kafka: str = ""
    """The first addresses of the Kafka cluster that the log is relayed to: ``host:port``, with commas between."""
    kafka_replication: int = 3
    """How many brokers keep each record; one where there is only one."""
    relay_after: str = ""
    """``NETWORK=POSITION``: where the relay goes on where Kafka does not know it: after this position of that log."""
    network: str = "main"
    """The network whose pages stand at the root; others have theirs below their name."""
    host: str = "127.0.0.1"
    port: int = 8000
    base_url: str = ""
    """The public address, as mails name it; by default the host and port."""
    smtp_url: str = field(default="", repr=False)
    """Where mail goes out; without one it is kept in a mailbox on this machine."""
    mail_from: str = "resonance@localhost.localdomain"
    policy: str = DEFAULT
    fhir_codes: str = ""
    """A file of further codes of FHIR resources, in the form of contracts/fhir/codes.toml."""
    inward_hosts: str = ""
    """``host`` or ``host:port`` with commas between: hosts of the own network that webhooks and key sets may be at."""
    events_per_minute: int = 60_000
    """How many events each credential may post in a minute, to each process."""
    demo: bool = False
    """Anyone may sign in as any therapist and read the mailbox: for made-up data only. Set by a flag alone."""

    def relays_after(self, network: str) -> int | None:
        """What ``relay_after`` says of this network."""
        name, _, position = self.relay_after.partition("=")
        return int(position) if name == network else None

    def codes(self) -> Codes:
        """What the codes of FHIR resources mean. Raises OSError, ValueError."""
        return codes(Path(self.fhir_codes) if self.fhir_codes else None)

    @property
    def inward(self) -> frozenset[str]:
        """What ``inward_hosts`` names."""
        return frozenset(self.inward_hosts.lower().split(",")) - {""}

    @property
    def own_url(self) -> str:
        """The address as this machine knows it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    @property
    def public_url(self) -> str:
        return self.base_url.rstrip("/") or self.own_url


def read(environment: Mapping[str, str]) -> Settings:
    """The settings that ``environment`` gives. Raises WrongSetting."""
    known = {one.name for one in fields(Settings)} - {"demo"}
    given: dict[str, str] = {}
    for variable, text in environment.items():
        if not variable.startswith(PREFIX) or variable in ELSEWHERE:
            continue
        name, value = variable.removeprefix(PREFIX).lower(), text
        if name.removesuffix("_file") in SECRET and name.endswith("_file"):
            name, value = name.removesuffix("_file"), _content(variable, text)
        if name not in known:
            raise WrongSetting(f"{variable} is no setting")
        if name in given:
            raise WrongSetting(f"{PREFIX}{name.upper()} is given twice")
        given[name] = value
    settings = Settings(**{name: _converted(name, value) for name, value in given.items()})  # type: ignore[arg-type]  # each value has been converted to its field's type
    if not _AFTER.fullmatch(settings.relay_after):
        raise WrongSetting(f"{PREFIX}RELAY_AFTER is not NETWORK=POSITION")
    try:
        settings.codes()
    except (OSError, ValueError):
        raise WrongSetting(f"{PREFIX}FHIR_CODES is no file of codes") from None
    if not _HOSTS.fullmatch(settings.inward_hosts):
        raise WrongSetting(f"{PREFIX}INWARD_HOSTS is no list of hosts")
    if not _is_address(settings.public_url):
        raise WrongSetting(f"{PREFIX}BASE_URL is no http or https address")
    if not _names_a_database(settings.database_url):
        raise WrongSetting(f"{PREFIX}DATABASE_URL is no PostgreSQL address")
    return settings


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)


def _names_a_database(url: str) -> bool:
    """Asked here because whoever asks later would be told with what is wrong of it, the password for one."""
    try:
        conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        return False
    return True


def _converted(name: str, value: str) -> str | int | Path:
    if name == "data":
        return Path(value)
    if name in NUMBERS:
        if not value.isdecimal() or int(value) not in NUMBERS[name]:
            raise WrongSetting(f"{PREFIX}{name.upper()} is no number from {NUMBERS[name].start} to {NUMBERS[name][-1]}")
        return int(value)
    return value


def _content(variable: str, path: str) -> str:
    try:
        return Path(path).read_text("utf-8").strip()
    except (OSError, ValueError):  # not there, or no text
        raise WrongSetting(f"{variable} names a file that cannot be read") from None
