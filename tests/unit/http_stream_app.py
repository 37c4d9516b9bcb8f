"""A tiny application under the real server's worker, for the tests of hijacked and guarded streams."""

from gevent import monkey

monkey.patch_all()

import sys  # noqa: E402
from typing import Any  # noqa: E402

import flask  # noqa: E402
import gevent  # noqa: E402
from gevent.event import Event  # noqa: E402
from gunicorn.app.base import BaseApplication  # noqa: E402

from d2k.config import Config  # noqa: E402
from d2k.http import answers, guard, hijack  # noqa: E402
from d2k.http.version import VersionPrefix  # noqa: E402
from d2k.server import settings  # noqa: E402

app = flask.Flask(__name__)
notes: list[str] = []
noted = Event()


def note(text: str) -> None:
    notes.append(text)
    noted.set()


@app.get("/notes")
def read_notes() -> flask.Response:
    noted.wait(10)
    noted.clear()
    return answers.json(notes)


@app.post("/echo")
def echo() -> hijack.Hijack:
    greeting = flask.request.get_data()

    def session(connection: hijack.Connection) -> None:
        connection.write(b"<" + greeting + b">")
        while data := connection.read():
            connection.write(data)
        connection.write(b"<closed " + str(connection.closed).encode() + b">")
        connection.write(b"x" * 300_000)

    return hijack.Hijack(hijack.MULTIPLEXED, session)


@app.post("/wait")
def wait() -> hijack.Hijack:
    def session(connection: hijack.Connection) -> None:
        connection.write(b"ready")
        note(f"gone {connection.wait_closed(1)}")

    return hijack.Hijack(hijack.RAW, session)


@app.post("/defect")
def defect() -> hijack.Hijack:
    def session(connection: hijack.Connection) -> None:
        connection.write(b"before")
        raise RuntimeError("on purpose")

    return hijack.Hijack(hijack.RAW, session)


@app.get("/quiet")
def quiet() -> flask.Response:
    def generate() -> Any:
        try:
            yield b"first\n"
            gevent.sleep(60)
        finally:
            note("cleaned")

    return guard.stream(generate(), "application/json", "test")


@app.get("/short")
def short() -> flask.Response:
    def generate() -> Any:
        yield b"a"
        gevent.sleep(0)
        yield b"b"

    return guard.stream(generate(), "application/json", "test")


@app.get("/silent")
def silent() -> flask.Response:
    def generate() -> Any:
        gevent.sleep(60)
        yield b"never"

    return guard.stream(generate(), "application/json", "test")


class Server(BaseApplication):
    def load_config(self) -> None:
        for name, value in settings(Config()).items():
            self.cfg.set(name, value)
        self.cfg.set("bind", f"fd://{sys.argv[1]}")

    def load(self) -> Any:
        app.wsgi_app = VersionPrefix(app.wsgi_app)  # type: ignore[method-assign]
        return app


if __name__ == "__main__":
    Server().run()
