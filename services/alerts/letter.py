"""The letter that asks a therapist to look at a case: one neutral sentence, one link, and nothing about the client.

Who reads it over a shoulder, on a lock screen or in a mail archive learns no name, score, clinic or clinical word, and
no date but that of the letter. The case has a code in it that means nothing to anybody outside.
"""

import hmac
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formataddr
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

# At the usual 78 columns the standard library writes a longer header value without spaces as an encoded word, which
# mail providers refuse to read as an id, and breaks long URLs in the text.
POLICY: Final = SMTP.clone(max_line_length=200)
CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no I, L, O and U, so that a code can be read out. Source: https://www.crockford.com/base32.html"""
CODE_LENGTH: Final = 5
LINK_DAYS: Final = 30

_templates: Final = Environment(
    loader=PackageLoader("services.alerts"),
    autoescape=select_autoescape(("html",)),
    undefined=StrictUndefined,
    keep_trailing_newline=True,
)


@dataclass(frozen=True, slots=True)
class Letterhead:
    """Whom a network's letters come from, where their links lead, and the network's secret that marks them."""

    sender: str
    """A mail address; its domain is that of the Message-IDs."""
    base_url: str
    """Public address of the pages, without a slash at its end."""
    secret: bytes = field(repr=False)

    def mark(self, purpose: str, *parts: str) -> str:
        """24 hex digits that stand for ``parts`` and can be made or guessed by nobody without the secret."""
        key = hmac.digest(self.secret, f"letter {purpose}".encode(), "sha256")
        return hmac.digest(key, "|".join(parts).encode(), "sha256").hex()[:24]

    @property
    def domain(self) -> str:
        return self.sender.rpartition("@")[2]


def case_code(head: Letterhead, case_ref: str) -> str:
    """How letters and pages call a case, as ``K-7F3QX``: always the same, and meaningless outside the network."""
    number = int(head.mark("case", case_ref), 16)
    digits = (CROCKFORD[number >> 5 * place & 31] for place in range(CODE_LENGTH))
    return f"K-{''.join(digits)}"


def message_id(head: Letterhead, alert_ref: str) -> str:
    """The Message-ID (RFC 5322, section 3.6.4) of the letter about an alert: the same for every attempt to send it."""
    return f"<{head.mark('message', alert_ref)}@{head.domain}>"


def compose(head: Letterhead, alert_ref: str, case_ref: str, recipient: str, token: str, at: datetime) -> bytes:
    """The letter as it goes over the wire. It is made once and kept as bytes: made again it could differ.

    ``token`` opens the link. A mail program shows the letters about one case as one thread: they all answer a message
    that never was.
    """
    code = case_code(head, case_ref)
    subject = f"A case on your list needs a look ({code})"
    thread = f"<{head.mark('thread', case_ref, recipient)}@{head.domain}>"
    words = {"subject": subject, "code": code, "url": f"{head.base_url}/a/{token}", "days": LINK_DAYS}
    message = EmailMessage(POLICY)
    message["From"] = formataddr(("Resonance", head.sender))
    message["To"] = recipient
    message["Subject"] = subject
    message["Date"] = at
    message["Message-ID"] = message_id(head, alert_ref)
    message["In-Reply-To"] = thread
    message["References"] = thread
    message["List-Id"] = f"<notices.{head.domain}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834
    message["X-Auto-Response-Suppress"] = "OOF, AutoReply"  # the same for Exchange, MS-OXCMAIL
    message.set_content(_templates.get_template("letter.txt").render(words))
    message.make_alternative(boundary=head.mark("boundary", alert_ref))
    message.add_alternative(_templates.get_template("letter.html").render(words), subtype="html")
    return message.as_bytes()
