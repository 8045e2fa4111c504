"""The mailbox of this machine: the letters as their readers would find them."""

import re
from datetime import timedelta

import pytest

from services.alerts.letter import Letterhead, compose
from services.alerts.mail import MailboxDelivery
from tests.pages.place import ADA, BEN, SECRET, TOKEN, Place, stalled_and_told, words


@pytest.fixture
def filled(place: Place) -> Place:
    """A case with an alert, a letter about it to one therapist, and another letter to another one."""
    place.mailbox = place.folder / "mail"
    place.tell(stalled_and_told())
    place.link("al_stall1", "ca_stall1")
    head = Letterhead("notices@mail.example", place.base_url, SECRET)
    for number, (therapist, alert, token) in enumerate(((ADA, "al_stall1", TOKEN), (BEN, "al_bens01", "b" * 22))):
        at = place.now + timedelta(minutes=number)
        letter = compose(head, alert, "ca_stall1", therapist.email, token, at)
        MailboxDelivery(place.mailbox).deliver(head.sender, therapist.email, letter)
    return place


def test_in_a_demonstration_all_letters_are_listed_the_newest_first(filled: Place) -> None:
    page = filled.browser().get("/mailbox").text
    assert re.findall(r"to ([a-z]+)@clinic", page) == ["ben", "ada"]


def test_the_link_of_a_letter_can_be_followed(filled: Place) -> None:
    browser = filled.browser()
    letters = re.findall(r'href="(/mailbox/[^"]+)"', browser.get("/mailbox").text)
    page = browser.get(letters[1]).text
    [link] = re.findall(r'<a href="(http://[^"]+)">', page)
    assert link == f"http://pages.example/a/{TOKEN}"
    assert browser.get(link).status_code == 200


def test_elsewhere_one_reads_ones_own_letters_only_and_after_signing_in(filled: Place) -> None:
    letters = re.findall(r'href="(/mailbox/[^"]+)"', filled.browser().get("/mailbox").text)
    filled.demo = False
    assert filled.browser().get("/mailbox").headers["location"] == "/signin"
    browser = filled.browser(ADA)
    assert re.findall(r"to ([a-z]+)@clinic", browser.get("/mailbox").text) == ["ada"]
    assert [browser.get(letter).status_code for letter in letters] == [404, 200]


def test_a_link_to_another_place_is_no_link_here(filled: Place) -> None:
    assert filled.mailbox is not None
    head = Letterhead("notices@mail.example", "http://elsewhere.example", SECRET)
    letter = compose(head, "al_else01", "ca_stall1", ADA.email, TOKEN, filled.now + timedelta(hours=1))
    MailboxDelivery(filled.mailbox).deliver(head.sender, ADA.email, letter)
    browser = filled.browser()
    newest = re.findall(r'href="(/mailbox/[^"]+)"', browser.get("/mailbox").text)[0]
    page = browser.get(newest).text
    assert "http://elsewhere.example/a/" in words(page)
    assert 'href="http://elsewhere' not in page


def test_where_mail_is_sent_there_is_no_mailbox(place: Place) -> None:
    browser = place.browser(ADA)
    assert browser.get("/mailbox").status_code == browser.get("/mailbox/any").status_code == 404
    assert "Mailbox" not in words(browser.get("/caseload").text)


def test_an_empty_mailbox_says_so(place: Place) -> None:
    place.mailbox = place.folder / "mail"
    assert "No mail yet." in words(place.browser().get("/mailbox").text)
