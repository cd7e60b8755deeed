"""What the soak's clients share: a connection that reads HTTP/1.1 strictly, and the tally of what happened."""

import socket
import struct
import threading
import time
from collections import Counter

TIMEOUT = 20


class Fault(Exception):
    """The server did what it must not do."""


class Tally:
    """Counts by kind, and the first faults in words."""

    def __init__(self):
        self.lock = threading.Lock()
        self.counts, self.faults, self.faulty = Counter(), [], 0

    def count(self, what, number=1):
        with self.lock:
            self.counts[what] += number

    def fault(self, text):
        with self.lock:
            self.faulty += 1
            if len(self.faults) < 30:
                self.faults.append(f"{time.strftime('%H:%M:%S')} {text}")


class Connection:
    """One connection. Whatever does not follow RFC 9112 in an answer is a fault."""

    def __init__(self, port, receive_buffer=None):
        self.link = socket.socket()
        if receive_buffer:
            self.link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.link.settimeout(TIMEOUT)
        self.link.connect(("127.0.0.1", port))
        self.link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = bytearray()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.link.close()

    def send(self, data):
        self.link.sendall(data)

    def reset(self):
        """Closes with RST instead of FIN."""
        self.link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.link.close()

    def more(self):
        piece = self.link.recv(65536)
        if not piece:
            raise Fault(f"the connection ended after {bytes(self.received)!r:.200}")
        self.received += piece

    def line(self):
        while (end := self.received.find(b"\r\n")) < 0:
            self.more()
        line = bytes(self.received[:end])
        del self.received[: end + 2]
        return line

    def take(self, count):
        while len(self.received) < count:
            self.more()
        data = bytes(self.received[:count])
        del self.received[:count]
        return data

    def head(self):
        """The status and the fields, names in lower case."""
        version, status, _ = self.line().split(b" ", 2)
        if version != b"HTTP/1.1" or not status.isdigit():
            raise Fault(f"a status line begins with {version} {status}")
        fields = {}
        while field := self.line():
            name, value = field.split(b":", 1)
            fields[name.lower().decode()] = value.strip().decode()
        return int(status), fields

    def chunks(self):
        body = b""
        while size := int(self.line(), 16):
            body += self.take(size)
            if self.take(2) != b"\r\n":
                raise Fault("a chunk does not end where it should")
        if self.line():
            raise Fault("there are trailers")
        return body

    def answer(self, is_head=False):
        """Status, fields and body of the next answer."""
        status, fields = self.head()
        if "date" not in fields and status >= 200:
            raise Fault("an answer has no date")
        if is_head or status < 200 or status in (204, 304):
            return status, fields, b""
        if fields.get("transfer-encoding") == "chunked":
            return status, fields, self.chunks()
        return status, fields, self.take(int(fields["content-length"]))

    def expect(self, what, status, body=None, is_head=False):
        """Takes an answer that has to be this one. Gives its fields."""
        found, fields, data = self.answer(is_head)
        if found != status:
            raise Fault(f"{what}: {found} {data!r:.100} instead of {status}")
        if body is not None and data != body:
            raise Fault(f"{what}: {len(data)} bytes {data!r:.100} instead of {len(body)} bytes {body!r:.100}")
        return fields

    def expect_nothing_more(self, what):
        """That nothing has come which nobody asked for."""
        if self.received:
            raise Fault(f"{what}: then came {bytes(self.received)!r:.200}")

    def expect_end(self, what):
        """That the server closes the connection, with nothing before."""
        try:
            while piece := self.link.recv(65536):
                self.received += piece
        except ConnectionResetError:
            pass
        self.expect_nothing_more(what)
