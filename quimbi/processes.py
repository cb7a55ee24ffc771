"""The site, its worker and the MCP server as children of one process: started together, watched, and ended together.

They stay in the parent's process group, so that Ctrl-C and a signal to the group reach all; the kernel ends them if the
parent is killed.
"""

import ctypes
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import FrameType

GRACE_SECONDS = 20.0
"""How long a child may take to end: longer than gunicorn's 10 s for requests and a job's next report."""
PARENT_DEATH_SIGNAL = 1  # prctl's PR_SET_PDEATHSIG


def web(address: str) -> list[str]:
    """The command of the site. Threads and not async workers: a third of the CPU per request (docs/benchmarks.md)."""
    flags = ["--worker-class", "gthread", "--workers", "2", "--threads", "4", "--no-control-socket"]
    flags += ["--graceful-timeout", "10", "--log-level", "warning"]
    # On a laptop nothing is collected, and whitenoise need not say so.
    return [sys.executable, "-W", "ignore:No directory at", "-m", "gunicorn", "quimbi.wsgi", "--bind", address, *flags]


def worker(var: Path) -> list[str]:
    """The command of one worker that also keeps the schedule."""
    flags = ["--beat", "--schedule", str(var / "beat"), "--pool", "threads", "--concurrency", "2", "--loglevel", "WARNING"]
    flags += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    # Celery warns whoever is root, as in a container; messages are JSON here and carry no code.
    quiet = ["-W", "ignore:You're running the worker with superuser privileges"]
    return [sys.executable, *quiet, "-m", "celery", "--quiet", "-A", "quimbi", "worker", *flags]


def mcp(host: str, port: int) -> list[str]:
    """The command of the MCP server: one process, because assistants ask seldom and loading it takes 60 MB."""
    return [sys.executable, "manage.py", "mcp", "--host", host, "--port", str(port)]


def why_not_listen(host: str, port: int) -> str:
    """Why nothing can listen at this address, in a few words; "" if it can."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, OverflowError) as problem:
            return str(getattr(problem, "strerror", None) or problem)
    return ""


class Children:
    """Processes that live and die together. Use as a context: at its end all of them have ended."""

    def __init__(self, commands: Mapping[str, list[str]], *, folder: Path, environment: Mapping[str, str]) -> None:
        self._commands = commands
        self._folder = folder
        self._environment = dict(environment)
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._stop_asked = False
        self._before: dict[int, Callable[[int, FrameType | None], object] | int | None] = {}

    def __enter__(self) -> "Children":
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            self._before[number] = signal.signal(number, self._ask_to_stop)
        for name, command in self._commands.items():
            self._running[name] = subprocess.Popen(  # noqa: S603  (our own commands)
                command,
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                preexec_fn=_end_with_parent,  # noqa: PLW1509  (one thread here)
            )
        return self

    def __exit__(self, *_: object) -> None:
        for child in self._running.values():
            if child.poll() is None:
                child.terminate()
        deadline = time.monotonic() + GRACE_SECONDS
        for child in self._running.values():
            try:
                child.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def wait_until_answering(self, host: str, port: int, *, seconds: float = 60.0) -> bool:
        """Wait for the site's first answer; False if asked to stop, a child ended or the time ran out."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not self._stop_asked and not self.ended():
            if answers(host, port):
                return True
            time.sleep(0.1)
        return False

    def wait(self) -> str:
        """Wait until a signal asks to stop ("") or a child ends by itself (a sentence that names it)."""
        while not self._stop_asked:
            ended = self.ended()
            if ended:
                time.sleep(0.1)  # Ctrl-C reaches the whole group: a child may have heard it a moment before us
                return "" if self._stop_asked else ended
            time.sleep(0.2)
        return ""

    def ended(self) -> str:
        """A sentence about a child that has ended, else ""."""
        for name, child in self._running.items():
            code = child.poll()
            if code is not None:
                how = f"signal {-code}" if code < 0 else f"exit code {code}"
                return f"The {name} ended by itself ({how}); what it said stands above."
        return ""

    def _ask_to_stop(self, number: int, frame: FrameType | None) -> None:
        if self._stop_asked:  # the second Ctrl-C does not wait
            for child in self._running.values():
                child.kill()
        self._stop_asked = True


def answers(host: str, port: int) -> bool:
    """Whether anything at this address answers HTTP."""
    line = HTTPConnection("127.0.0.1" if host in {"0.0.0.0", ""} else host, port, timeout=5)  # noqa: S104
    try:
        line.request("GET", "/health")
        line.getresponse().read()
    except (OSError, HTTPException):
        return False
    finally:
        line.close()
    return True


def _end_with_parent() -> None:
    """Ask Linux to end this child when its parent dies, even by a signal that cannot be caught."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PARENT_DEATH_SIGNAL, signal.SIGTERM)
