"""One attack of slowhttptest, and what another client feels of it: slow.py PORT FILES SECONDS OPTION…

FILES is the prefix of the files that slowhttptest writes, SECONDS the time after which it gives up. The same is
measured of a server in a process of its own that nobody else uses: by how much that is late at most is the machine's
doing, and is allowed on top of the 50 ms.
"""

import csv
import multiprocessing
import os
import re
import socket
import subprocess
import sys
import time

CONNECTIONS, RATE = 200, 100
EVERY, WITHIN = 0.05, 0.05
REQUEST = b"GET /plaintext HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def probe(port):
    """Seconds from the start of a connection to its end, with the answer in between."""
    began = time.monotonic()
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as link:
        link.sendall(REQUEST)
        while piece := link.recv(4096):
            received += piece
    took = time.monotonic() - began
    if not received.startswith(b"HTTP/1.1 200 ") or not received.endswith(b"Hello, World!"):
        raise ValueError(f"the probe got {received!r:.200}")
    return took


def serve_alone(listener):
    """The server to compare with: one client at a time, one answer."""
    while True:
        link, _ = listener.accept()
        with link:
            link.recv(4096)
            link.sendall(b"HTTP/1.1 200 OK\r\n\r\nHello, World!")


def probe_while(port, attack):
    """The times of probes, one every 50 ms, for as long as the attack runs: of the server, and of the one beside it."""
    listener = socket.create_server(("127.0.0.1", 0))
    beside = multiprocessing.Process(target=serve_alone, args=(listener,), daemon=True)
    beside.start()
    times, control, due = [], [], time.monotonic()
    while attack.poll() is None:
        times.append(probe(port))
        control.append(probe(listener.getsockname()[1]))
        due = max(due + EVERY, time.monotonic())
        time.sleep(max(0, due - time.monotonic()))
    beside.kill()
    return sorted(times), sorted(control)


def figures(times):
    return "p50 %.1f ms, p99 %.1f ms, longest %.1f ms" % tuple(
        1000 * times[min(int(share * len(times)), len(times) - 1)] for share in (0.5, 0.99, 1))


def main():
    port, files, seconds = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    command = ["slowhttptest", *sys.argv[4:], "-c", str(CONNECTIONS), "-r", str(RATE), "-l", seconds, "-p", "2",
               "-g", "-o", files]
    with open(f"{files}.log", "w") as log:
        attack = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            times, control = probe_while(port, attack)
        finally:
            attack.kill()
            attack.wait()
    with open(f"{files}.csv") as file:
        rows = [{name.strip(): int(value) for name, value in row.items()} for row in csv.DictReader(file)]
    with open(f"{files}.log") as log:
        text = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", log.read())
    # The table ends with the last whole second in which something was open; how it went on stands in the text alone.
    ended = re.search(r"Test ended on (\d+)\w\w second\nExit status: (.*)", text)
    after, why = ended.groups() if ended else ("?", "none")
    # A second in which nothing was open yet is one in which slowhttptest had not asked yet.
    unavailable = [row["Seconds"] for row in rows if not row["Service Available"] and row["Connected"]]
    print(f"{max(row['Connected'] for row in rows)} of {CONNECTIONS} connections open at once; ended after {after} s: "
          f"{why}; unavailable in seconds {unavailable or 'none'}")
    print(f"{len(times)} probes: {figures(times)}; of the server beside it: {figures(control)}")
    faults = []
    if why != "No open connections left":
        faults.append("the server did not close all connections")
    if unavailable:
        faults.append("slowhttptest found the service unavailable")
    within = WITHIN + control[-1]
    if times[-1] > within:
        late = sum(1 for took in times if took > within)
        faults.append(f"{late} probes took longer than {within * 1000:.0f} ms (load of the machine: "
                      f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} processors)")
    if faults:
        sys.exit("; ".join(faults))


main()
