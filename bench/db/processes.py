"""Processes: a free port for one, its processor time from /proc, its end."""

import os
import resource
import socket
import subprocess

TICKS = os.sysconf("SC_CLK_TCK")


def free_port():
    """A loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def stop(process):
    """Ends a process that was started here, and waits until it has ended."""
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def processor_seconds(root):
    """User and system time of a process, its descendants, and those of them that have ended."""
    times, children = {}, {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat") as file:
                fields = file.read().rsplit(")", 1)[1].split()
        except OSError:
            # Ended in the meantime; its parent's fields hold its time by now.
            continue
        times[int(entry)] = sum(map(int, fields[11:15]))
        children.setdefault(int(fields[1]), []).append(int(entry))
    total, waiting = 0, [root]
    while waiting:
        process = waiting.pop()
        total += times.get(process, 0)
        waiting += children.get(process, [])
    return total / TICKS


def busy_seconds():
    """Processor time that the machine has given to anything so far."""
    with open("/proc/stat") as file:
        user, nice, system, _, _, irq, softirq, steal = map(int, file.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / TICKS


def children_seconds():
    """Processor time of this program's children that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
