"""The programs that are compared: how each is built and started."""

import http.client
import os
import re
import subprocess
import sys
import time

from processes import free_port, processor_seconds, stop

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
TARGET = os.path.abspath(os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target")))
POOL = 16
WORKERS = os.cpu_count()
NAMES = ["photon", "axum-seaorm", "axum-sqlx", "loco", "fastapi"]


def build(name):
    """Builds a peer; returns the command that starts it and what that needs in its environment."""
    if name == "fastapi":
        return build_fastapi()
    directory = os.path.join(TARGET, "bench-db", name)
    manifest = os.path.join(HERE, name, "Cargo.toml")
    # Photon's own dependencies may have changed since its lock file was written.
    locked = [] if name == "photon" else ["--locked"]
    subprocess.run(["cargo", "build", "--release", *locked, "--manifest-path", manifest, "--target-dir", directory],
                   cwd=ROOT, check=True)
    binary = os.path.join(directory, "release", f"db-{name}")
    if name == "loco":
        return [binary, "start", "--no-banner"], {"LOCO_ENV": "production"}
    return [binary], {}


def build_fastapi():
    directory = os.path.join(TARGET, "bench-db", "fastapi")
    python = os.path.join(directory, "bin", "python")
    if not os.path.exists(python):
        subprocess.run([sys.executable, "-m", "venv", directory], check=True)
    requirements = os.path.join(HERE, "fastapi", "requirements.txt")
    subprocess.run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", requirements], check=True)
    # A compiled module beside the source would lie in the repository.
    environment = {"WEB_CONCURRENCY": str(WORKERS), "PYTHONDONTWRITEBYTECODE": "1"}
    return [os.path.join(directory, "bin", "uvicorn"), "main:app", "--loop", "uvloop", "--http", "httptools",
            "--no-access-log", "--log-level", "warning"], environment


def versions(name):
    """What a peer is made of, for the report."""
    if name == "fastapi":
        with open(os.path.join(HERE, name, "requirements.txt")) as file:
            pinned = dict(line.split("==") for line in file.read().split())
        stack = ", ".join(f"{package} {pinned[package]}" for package in
                          ("fastapi", "SQLAlchemy", "asyncpg", "aiosqlite", "uvicorn", "uvloop", "httptools", "Jinja2"))
        return (f"fastapi: Python {sys.version.split()[0]}, {stack}; {WORKERS} workers, one per core, a session for each"
                " request")
    wanted = {
        "photon": ("sea-orm", "sqlx", "minijinja"),
        "axum-seaorm": ("axum", "hyper", "tokio", "sea-orm", "sqlx", "minijinja"),
        "axum-sqlx": ("axum", "hyper", "tokio", "sqlx", "minijinja"),
        "loco": ("loco-rs", "axum", "tokio", "sea-orm", "sqlx", "minijinja"),
    }[name]
    with open(os.path.join(HERE, name, "Cargo.lock")) as file:
        locked = dict(re.findall(r'name = "([^"]+)"\nversion = "([^"]+)"', file.read()))
    more = {
        "loco": "; its generated middleware, logging off; a ping before each use of a connection, which its"
                " configuration cannot switch off",
        "axum-seaorm": "; no ping before the use of a connection that was idle for less than 30 seconds",
        "axum-sqlx": "; no ping before the use of a connection",
    }.get(name, "")
    return f"{name}: {', '.join(f'{package} {locked[package]}' for package in wanted if package in locked)}{more}"


class Server:
    """A running peer on a free loopback port."""

    def __init__(self, name, start, database, directory):
        self.name, self.database = name, database
        self.command, self.environment = start
        self.log = os.path.join(directory, f"{name}.log")

    def __enter__(self):
        self.port = free_port()
        port = str(self.port)
        # Uvicorn takes its port as an option.
        command = self.command + (["--port", port] if self.name == "fastapi" else [])
        environment = {**os.environ, **self.environment, "HOST": "127.0.0.1", "PORT": port, "POOL": str(POOL),
                       "DATABASE_URL": self.database.url}
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=log,
                                            cwd=os.path.join(HERE, self.name))
        for _ in range(200):
            if self.process.poll() is not None:
                break
            try:
                self.ask("GET", "/fortunes")
                return self
            except OSError:
                time.sleep(0.05)
        self.__exit__()
        sys.exit(f"{self.name} does not answer:\n{self.complaints()}")

    def __exit__(self, *_):
        stop(self.process)

    def ask(self, method, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request(method, path)
        answer = connection.getresponse()
        content = answer.read().decode()
        connection.close()
        return answer.status, answer.getheader("content-type", "").split(";")[0], content

    def processor_seconds(self):
        return processor_seconds(self.process.pid)

    def complaints(self):
        """The last that it wrote to standard error."""
        with open(self.log, errors="replace") as file:
            return "".join(file.readlines()[-20:])
