"""The two databases of the benchmark: throwaway ones in a temporary directory, with the same rows."""

import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import time

from processes import processor_seconds

BALANCE = 1_000_000
FORTUNES = [
    "fortune: No such file or directory",
    "A computer scientist is someone who fixes things that aren't broken.",
    "After enough decimal places, nobody gives a damn.",
    "A bad random number generator: 1, 1, 1, 1, 1, 4.33e+67, 1, 1, 1",
    "A computer program does what you tell it to do, not what you want it to do.",
    "Emacs is a nice operating system, but I prefer UNIX. — Tom Christaensen",
    "Any program that runs right is obsolete.",
    "A list is only as strong as its weakest link. — Donald Knuth",
    "Feature: A bug with seniority.",
    "Computers make very fast, very accurate mistakes.",
    '<script>alert("This should not be displayed in a browser alert box.");</script>',
    "フレームワークのベンチマーク",
]
TABLES = """
    CREATE TABLE world (id INTEGER PRIMARY KEY, randomnumber INTEGER NOT NULL);
    CREATE TABLE fortune (id INTEGER PRIMARY KEY, message TEXT NOT NULL);
    CREATE TABLE account (id INTEGER PRIMARY KEY, balance BIGINT NOT NULL);
    CREATE TABLE entry (id {identity}, account_id INTEGER NOT NULL, amount BIGINT NOT NULL);
"""
# How many entries there are, and how many accounts whose balance is not the sum of what they got.
LEDGER = f"""
    SELECT (SELECT count(*) FROM entry), count(*) FROM account
    LEFT JOIN (SELECT account_id, sum(amount) AS moved FROM entry GROUP BY account_id) AS sums ON account_id = id
    WHERE balance <> {BALANCE} + coalesce(moved, 0)
"""


def rows():
    """The SQL that fills the tables, the same for both databases."""
    def values(pairs):
        return ", ".join(f"({key}, {value})" for key, value in pairs)

    quoted = ("'" + message.replace("'", "''") + "'" for message in FORTUNES)
    # A prime factor: every number from 1 to 10,000 once, in no order.
    worlds = ((number, number * 7919 % 10_000 + 1) for number in range(1, 10_001))
    return f"""
        INSERT INTO world VALUES {values(worlds)};
        INSERT INTO fortune VALUES {values(enumerate(quoted, 1))};
        INSERT INTO account VALUES {values((number, BALANCE) for number in range(1, 1001))};
    """


class Sqlite:
    """A file with a write-ahead log."""

    name = "SQLite"

    def __init__(self, directory):
        self.path = os.path.join(directory, "bench.db")
        self.url = f"sqlite://{self.path}"

    def __enter__(self):
        self.connection = sqlite3.connect(self.path, isolation_level=None, timeout=30)
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.executescript(TABLES.format(identity="INTEGER PRIMARY KEY AUTOINCREMENT"))
        self.reset()
        return self

    def __exit__(self, *_):
        self.connection.close()

    def reset(self):
        """Gives all tables their first rows again."""
        emptied = " ".join(f"DELETE FROM {table};" for table in ("world", "fortune", "account", "entry", "sqlite_sequence"))
        self.connection.executescript(f"BEGIN IMMEDIATE; {emptied} {rows()} COMMIT;")
        self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def query(self, sql):
        return self.connection.execute(sql).fetchall()

    def processor_seconds(self):
        """SQLite runs in the servers' own processes."""
        return 0.0

    def describe(self):
        return "SQLite: each peer's own library; write-ahead log, `synchronous = NORMAL`, `busy_timeout = 5000`"


class Postgres:
    """A cluster of its own on a free loopback port."""

    name = "PostgreSQL"
    binaries = "/usr/lib/postgresql/15/bin"
    settings = ["shared_buffers=256MB", "max_connections=200", "fsync=off", "synchronous_commit=off"]

    def __init__(self, directory):
        self.directory = directory
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"postgres://bench@127.0.0.1:{self.port}/bench"

    def __enter__(self):
        if not os.path.exists(self.binaries):
            as_root = [] if os.getuid() == 0 else ["sudo", "-n"]
            subprocess.run([*as_root, "apt-get", "install", "-y", "-qq", "postgresql-15"], check=True)
        # PostgreSQL refuses to run as root.
        user = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.getuid() == 0 else {}
        if user:
            shutil.chown(self.directory, "postgres", "postgres")
        data = os.path.join(self.directory, "data")
        create = [f"{self.binaries}/initdb", "-D", data, "-U", "bench", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8",
                  "--no-sync"]
        subprocess.run(create, check=True, stdout=subprocess.DEVNULL, cwd=self.directory, **user)
        settings = [*self.settings, "listen_addresses=127.0.0.1", f"port={self.port}", "unix_socket_directories="]
        options = [option for setting in settings for option in ("-c", setting)]
        with open(os.path.join(self.directory, "postgres.log"), "wb") as log:
            self.process = subprocess.Popen([f"{self.binaries}/postgres", "-D", data, *options], stdout=log, stderr=log,
                                            cwd=self.directory, **user)
        try:
            self.wait()
            self.psql("CREATE DATABASE bench", database="postgres")
            self.psql(TABLES.format(identity="BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY"))
            self.reset()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        # Fast shutdown: does not wait for clients.
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()

    def wait(self):
        for _ in range(200):
            ready = [f"{self.binaries}/pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
            if subprocess.run(ready).returncode == 0:
                return
            time.sleep(0.05)
        raise RuntimeError(f"PostgreSQL does not answer on port {self.port}")

    def psql(self, *commands, database="bench"):
        connection = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "bench", "-d", database]
        # From standard input: an argument could not hold the rows. Each command is a transaction.
        done = subprocess.run([f"{self.binaries}/psql", "-qAtX", "-v", "ON_ERROR_STOP=1", *connection],
                              input=";\n".join(commands), check=True, stdout=subprocess.PIPE, text=True,
                              timeout=60)
        return done.stdout

    def reset(self):
        """Gives all tables their first rows again, in fresh files that hold nothing else."""
        emptied = "TRUNCATE world, fortune, account, entry RESTART IDENTITY;"
        self.psql(f"BEGIN; {emptied} {rows()} COMMIT", "VACUUM ANALYZE", "CHECKPOINT")

    def query(self, sql):
        lines = self.psql(sql).splitlines()
        return [tuple(int(field) for field in line.split("|")) for line in lines]

    def processor_seconds(self):
        return processor_seconds(self.process.pid)

    def describe(self):
        version = subprocess.run([f"{self.binaries}/postgres", "--version"], capture_output=True, text=True).stdout
        version = version.strip().removeprefix("postgres (PostgreSQL) ")
        return f"PostgreSQL {version} over TCP on the same machine: {', '.join(self.settings)}"
