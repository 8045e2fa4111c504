"""Which cases a client has: whoever tells of a client only wants to know where that belongs."""

from contracts.events import AnyEvent
from services.eventlog.ports import Recorded
from services.projections.views import Views
from tests.homes import Home
from tests.parts import sliced
from tests.story import START, Story, merge


def told(views: Views, *events: AnyEvent) -> Views:
    views.apply(sliced([Recorded(place, START, event) for place, event in enumerate(events, 1)]))
    return views


def test_a_clients_cases_are_those_that_were_opened_for_them(home: Home) -> None:
    first, second = Story("ca_first1").opened(), Story("ca_secnd2").opened()
    other = Story("ca_other3").opened(client="c_ben001")

    views = told(home.views(), first.last, second.last, other.last)

    assert views.cases_of_client("c_anna01") == {"ca_first1": "cl_north", "ca_secnd2": "cl_north"}
    assert views.cases_of_client("c_ben001") == {"ca_other3": "cl_north"}
    assert views.cases_of_client("c_nobody") == {}
    views.close()


def test_a_case_that_was_only_measured_in_is_nobodys_yet(home: Home) -> None:
    views = told(home.views(), Story("ca_first1").session(15).last)

    assert views.cases_of_client("c_anna01") == {}
    views.close()


def test_clients_who_were_merged_have_their_cases_together(home: Home) -> None:
    first = Story("ca_first1").opened(client="c_anna01")
    second = Story("ca_secnd2").opened(client="c_anna02")

    views = told(home.views(), first.last, second.last, merge("c_anna01", "c_anna02"), merge("c_anna03", "c_anna01", 1))

    for client in ("c_anna01", "c_anna02", "c_anna03"):
        assert views.cases_of_client(client) == {"ca_first1": "cl_north", "ca_secnd2": "cl_north"}
    views.close()
