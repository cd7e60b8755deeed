"""Latency at half load, by h2load: the same number of requests a second for all peers."""

import os
import shutil
import statistics
import subprocess
import tempfile

CONNECTIONS = 64
# Of the requests, in per mille.
SHOWN = {"p50": 500, "p99": 990, "p99.9": 999}


def install():
    if not shutil.which("h2load"):
        as_root = [] if os.getuid() == 0 else ["sudo", "-n"]
        subprocess.run([*as_root, "apt-get", "install", "-y", "-qq", "nghttp2-client"], check=True)


def measure(servers, rate, options):
    """Milliseconds by peer: for each of SHOWN the median of the rounds."""
    runs = {peer: [] for peer in servers}
    for number in range(options.rounds):
        order = list(servers)
        order = order[number % len(order):] + order[:number % len(order)]
        for peer in order if number % 2 == 0 else order[::-1]:
            runs[peer].append(load(servers[peer], rate, options.seconds))
        print(f"half load, round {number + 1}: " + ", ".join(f"{peer} {runs[peer][-1]}" for peer in servers), flush=True)
    return {peer: {name: statistics.median(run[name] for run in found) for name in SHOWN} for peer, found in runs.items()}


def load(server, rate, seconds):
    """One run. Its first second is for warming up and does not count."""
    with tempfile.TemporaryDirectory() as directory:
        log = os.path.join(directory, "log")
        subprocess.run(
            ["h2load", "--h1", "-t1", f"-c{CONNECTIONS}", f"--rps={rate // CONNECTIONS}", f"-D{seconds}",
             "--warm-up-time=1", f"--log-file={log}", f"http://127.0.0.1:{server.port}/plaintext"],
            check=True, stdout=subprocess.DEVNULL)
        with open(log) as file:
            # Start, status and duration of each request, times in microseconds.
            lines = [line.split() for line in file]
    took = sorted(int(duration) for _, status, duration in lines if status == "200")
    if len(took) < 0.9 * rate // CONNECTIONS * CONNECTIONS * seconds:
        raise SystemExit(f"{server.peer} gave {len(took):,} answers in {seconds} s of {rate:,} a second")
    return {name: took[min(len(took) * mille // 1000, len(took) - 1)] / 1e3 for name, mille in SHOWN.items()}
