"""The programs that are compared: how each is built, started and asked."""

import http.client
import os
import re
import resource
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
TARGET = os.path.abspath(os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target")))
sys.path.append(os.path.join(HERE, "db"))

from processes import free_port, processor_seconds, stop  # noqa: E402

# The name in the tables, and the directory below bench/peers.
PEERS = {
    "photon": "photon",
    "axum": "axum",
    "actix-web": "actix",
    "ntex": "ntex",
    "may_minihttp": "may-minihttp",
    "FastAPI": "fastapi",
    "epoll": "epoll",
}
# Without routing by parameters, bodies and validation.
PLAIN = {"may_minihttp", "epoll"}
PYTHON = ["fastapi", "uvicorn[standard]", "email-validator"]


def command(peer):
    """Builds a peer, if it has to be built, and gives the command that starts it on HOST and PORT."""
    directory = os.path.join(HERE, "peers", PEERS[peer])
    if peer == "FastAPI":
        venv = os.path.join(TARGET, "bench", "python")
        python = os.path.join(venv, "bin", "python")
        if not os.path.exists(os.path.join(venv, "done")):
            subprocess.run([sys.executable, "-m", "venv", venv], check=True)
            subprocess.run([python, "-m", "pip", "install", "--quiet", *PYTHON], check=True)
            open(os.path.join(venv, "done"), "w").close()
        return [python, "-m", "uvicorn", "app:app", "--app-dir", directory, "--workers", str(os.cpu_count()),
                "--no-access-log", "--log-level", "warning"]
    target = os.path.join(TARGET, "bench", PEERS[peer])
    subprocess.run(["cargo", "build", "--quiet", "--release", "--locked", "--target-dir", target], cwd=directory, check=True)
    return [os.path.join(target, "release", f"peer-{PEERS[peer]}")]


def version(peer):
    """What the tables say of a peer."""
    if peer == "FastAPI":
        pip = os.path.join(TARGET, "bench", "python", "bin", "python")
        text = subprocess.run([pip, "-m", "pip", "freeze"], capture_output=True, text=True).stdout
        locked = dict(line.split("==") for line in text.splitlines() if "==" in line)
        return ", ".join(f"{name} {locked[name]}" for name in ("fastapi", "uvicorn", "uvloop", "httptools")) + \
            f", Python {sys.version.split()[0]}; {os.cpu_count()} workers"
    names = {"photon": [], "axum": ["axum", "hyper", "tokio"], "actix-web": ["actix-web", "tokio"],
             "ntex": ["ntex", "tokio"], "may_minihttp": ["may_minihttp", "may"], "epoll": ["rustix"]}[peer]
    with open(os.path.join(HERE, "peers", PEERS[peer], "Cargo.lock")) as file:
        locked = dict(re.findall(r'name = "([^"]+)"\nversion = "([^"]+)"', file.read()))
    said = {"photon": "this repository", "epoll": "no HTTP server: the limit"}.get(peer, "")
    return ", ".join(filter(None, [said] + [f"{name} {locked[name]}" for name in names]))


class Server:
    """A peer on a free loopback port."""

    def __init__(self, peer, command):
        self.peer, self.command = peer, command

    def __enter__(self):
        self.port = free_port()
        environment = {**os.environ, "HOST": "127.0.0.1", "PORT": str(self.port)}
        command = self.command + (["--host", "127.0.0.1", "--port", str(self.port)] if self.peer == "FastAPI" else [])
        self.process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(200):
            try:
                self.ask("GET", "/plaintext", None)
                return self
            except OSError:
                time.sleep(0.05)
        self.__exit__()
        sys.exit(f"{self.peer} does not answer")

    def __exit__(self, *_):
        stop(self.process)

    def ask(self, method, path, body):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, answer.getheader("content-type", "").split(";")[0], content

    def processor_seconds(self):
        return processor_seconds(self.process.pid)

    def resident_kib(self):
        """Memory of the process and its children."""
        total = 0
        for entry in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{entry}/status") as file:
                    status = file.read()
            except OSError:
                continue
            parent = re.search(r"PPid:\s+(\d+)", status)
            if int(entry) == self.process.pid or (parent and int(parent.group(1)) == self.process.pid):
                resident = re.search(r"VmRSS:\s+(\d+)", status)
                total += int(resident.group(1)) if resident else 0
        return total


def raise_open_files():
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def install_wrk():
    if not shutil.which("wrk"):
        as_root = [] if os.getuid() == 0 else ["sudo", "-n"]
        subprocess.run([*as_root, "apt-get", "install", "-y", "-qq", "wrk"], check=True)
