import gevent
import pytest

from d2k.services.host_names import FRESH_SECONDS, RETRY_SECONDS, HostNames, resolve


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def test_an_answer_is_kept_and_refreshed_in_the_background(clock):
    asked = []

    def ask(name):
        asked.append(name)
        return f"192.0.2.{len(asked)}"

    names = HostNames(ask, clock)
    assert [names.address("lb.example"), names.address("lb.example")] == ["192.0.2.1", "192.0.2.1"]
    clock.now += FRESH_SECONDS + 1
    assert names.address("lb.example") == "192.0.2.1"
    gevent.sleep(0)
    assert names.address("lb.example") == "192.0.2.2"
    assert asked == ["lb.example"] * 2


def test_a_name_without_an_address_is_asked_for_again_soon(clock):
    answers = ["", "192.0.2.1", ""]
    names = HostNames(lambda _name: answers.pop(0), clock)
    assert names.address("lb.example") == ""
    clock.now += RETRY_SECONDS + 1
    assert names.address("lb.example") == ""
    gevent.sleep(0)
    assert names.address("lb.example") == "192.0.2.1"
    clock.now += FRESH_SECONDS + 1
    names.address("lb.example")
    gevent.sleep(0)
    assert names.address("lb.example") == "192.0.2.1"


def test_a_slow_resolver_delays_nobody_for_long(clock, monkeypatch):
    monkeypatch.setattr("d2k.services.host_names.WAIT_SECONDS", 0.01)
    answer = gevent.event.Event()

    def ask(_name):
        answer.wait()
        return "192.0.2.1"

    names = HostNames(ask, clock)
    assert [names.address("lb.example"), names.address("lb.example")] == ["", ""]
    answer.set()
    gevent.sleep(0.01)
    assert names.address("lb.example") == "192.0.2.1"


def test_resolving():
    assert resolve("127.0.0.1") == "127.0.0.1"
    assert resolve("no-such-host.invalid") == ""
