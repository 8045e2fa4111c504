"""Ways for a letter to leave: an SMTP server, or a local mailbox to look at; and how each attempt ended."""

import logging
import smtplib
import ssl
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from mailbox import Maildir, NoSuchMailboxError
from pathlib import Path
from typing import Final, Literal, Protocol, TypeAlias
from urllib.parse import unquote, urlsplit

Outcome: TypeAlias = Literal["sent", "deferred", "unreachable", "recipient_refused", "refused_us"]
"""How an attempt ended: ``deferred`` and ``unreachable`` pass by themselves, ``refused_us`` when an operator helps."""

TIMEOUT_SECONDS: Final = 20
"""For each answer of the server."""
LONGEST_SECONDS: Final = 15 * TIMEOUT_SECONDS
"""For a whole attempt: connecting, encrypting, signing in and sending take some 13 answers."""
PORTS: Final = {"smtp": 25, "smtps": 465, "smtp+starttls": 587}
# What RFC 5321 (4.2.2) and RFC 7504 say of a mailbox or its domain. Other refusals are about us.
_ABOUT_THE_RECIPIENT: Final = frozenset((521, 550, 551, 552, 553, 556))
_POLICY_REFUSAL: Final = b"5.7."  # RFC 3463, 3.8: security or policy, such as a relay that wants to know us first

_log: Final = logging.getLogger(__name__)


class Delivery(Protocol):
    def deliver(self, sender: str, recipient: str, message: bytes) -> Outcome:
        """Hands over ``message`` as it is. ``sent``: somebody else now answers for it."""


class SmtpDelivery:
    """An SMTP server; each letter has its own connection.

    Its URL is ``smtp://``, ``smtps://`` or ``smtp+starttls://`` and ``[user:password@]host[:port]``.
    """

    def __init__(self, url: str) -> None:
        """Raises ValueError, without quoting the password, where ``url`` is none of these."""
        parts = urlsplit(url)
        if parts.scheme not in PORTS or not parts.hostname:
            raise ValueError("a mail server is smtp://, smtps:// or smtp+starttls://[user:password@]host[:port]")
        self._scheme = parts.scheme
        self._host = parts.hostname
        self._port = parts.port or PORTS[parts.scheme]
        self._user = unquote(parts.username or "")
        self._password = unquote(parts.password or "")

    def deliver(self, sender: str, recipient: str, message: bytes) -> Outcome:
        try:
            with closing(self._connect()) as server:
                if self._scheme == "smtp+starttls":
                    server.starttls(context=ssl.create_default_context())
                if self._user:
                    server.login(self._user, self._password)
                server.sendmail(sender, [recipient], message)
                with suppress(OSError):  # the letter is theirs already, whatever becomes of the farewell
                    server.quit()
        except smtplib.SMTPRecipientsRefused as refused:
            return _refused_recipient(*refused.recipients[recipient])
        except smtplib.SMTPResponseException as error:
            return "deferred" if error.smtp_code < 500 else _refused_us(error, error.smtp_code)
        except (smtplib.SMTPServerDisconnected, ssl.SSLError):
            return "unreachable"
        except smtplib.SMTPException as error:  # it cannot do what the URL asks for, such as STARTTLS
            return _refused_us(error, None)
        except OSError:
            return "unreachable"
        return "sent"

    def _connect(self) -> smtplib.SMTP:
        if self._scheme == "smtps":
            context = ssl.create_default_context()
            return smtplib.SMTP_SSL(self._host, self._port, timeout=TIMEOUT_SECONDS, context=context)
        return smtplib.SMTP(self._host, self._port, timeout=TIMEOUT_SECONDS)


def _refused_recipient(code: int, reply: bytes) -> Outcome:
    if code < 500:
        return "deferred"
    if code in _ABOUT_THE_RECIPIENT and not reply.startswith(_POLICY_REFUSAL):
        return "recipient_refused"
    return _refused_us(None, code)


def _refused_us(error: Exception | None, code: int | None) -> Outcome:
    """Tells the operator which step failed and the server's number; its words can hold addresses."""
    step = type(error).__name__ if error else "SMTPRecipientsRefused"
    _log.error("the mail server refuses us", extra={"step": step, "code": code})
    return "refused_us"


class MailboxDelivery:
    """A Maildir on this machine in place of a mail server: for trying things out, and for looking at what was sent."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def deliver(self, sender: str, recipient: str, message: bytes) -> Outcome:  # noqa: ARG002 - a mail server needs both
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for part in ("tmp", "new", "cur"):  # whichever process is the first
            (self._folder / part).mkdir(exist_ok=True, mode=0o700)
        Maildir(self._folder, create=False).add(message)
        return "sent"


@dataclass(frozen=True, slots=True)
class Mail:
    """A letter as it arrived; ``text`` is its plain part."""

    message_id: str
    to: str
    subject: str
    date: datetime
    text: str


def messages(folder: Path) -> list[Mail]:
    """The letters in the mailbox, newest first; one that arrived twice is there once."""
    try:
        box = Maildir(folder, create=False)
    except NoSuchMailboxError:
        return []
    mails = {mail.message_id: mail for mail in (mail_of(box.get_bytes(key)) for key in box.iterkeys())}
    return sorted(mails.values(), key=lambda mail: (mail.date, mail.message_id), reverse=True)


def mail_of(raw: bytes) -> Mail:
    message = message_from_bytes(raw, EmailMessage, policy=default)
    text = message.get_body(("plain",))
    return Mail(
        message_id=message["Message-ID"],
        to=message["To"],
        subject=message["Subject"],
        date=message["Date"].datetime,
        text=text.get_content().replace("\r\n", "\n") if text else "",
    )
