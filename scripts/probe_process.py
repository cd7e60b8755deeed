"""The probe in release mode, for the scripts here that are written in Python: started, measured, stopped."""

import os
import socket
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TARGET = os.path.abspath(os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target")))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(log=None):
    """Builds the probe and starts it on a free port. Gives the process and the port; `log` is an open file."""
    subprocess.run(["cargo", "build", "--release", "--quiet", "-p", "probe"], cwd=ROOT, check=True)
    port = free_port()
    environment = {**os.environ, "HOST": "127.0.0.1", "PORT": str(port)}
    server = subprocess.Popen([os.path.join(TARGET, "release", "probe")], env=environment, stdout=log, stderr=log)
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return server, port
        except OSError:
            if server.poll() is not None:
                break
            time.sleep(0.05)
    server.kill()
    sys.exit("the probe does not answer")


def stop(server):
    """Asks the server to end and gives its exit status; `None` if it had to be killed."""
    server.terminate()
    try:
        return server.wait(20)
    except subprocess.TimeoutExpired:
        server.kill()
        return None


def processor_seconds(pid):
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def status_number(pid, name):
    with open(f"/proc/{pid}/status") as file:
        line = next(line for line in file if line.startswith(f"{name}:"))
    return int(line.split()[1])


def resident_mebibytes(pid):
    return status_number(pid, "VmRSS") / 1024


def threads(pid):
    return status_number(pid, "Threads")


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))
