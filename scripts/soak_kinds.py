"""What the soak's clients do: good, malformed, aborted and slow visits to the probe.

Each function is one visit: it is given the port, its own random numbers and the tally, makes a connection of its own
and raises what went wrong; those that take long give `False` if the soak ended first. What a good request has to be
answered with is computed here, except for a file of the documentation, which has to be the same each time.
"""

import json
import select
import time

from soak_client import TIMEOUT, Connection, Fault

HOST = b"Host: localhost\r\n"
LARGE = "/docs/swagger-ui-bundle.js"


def post(path, body, fields=b""):
    return b"POST %s HTTP/1.1\r\n%sContent-Length: %d\r\n%s\r\n%s" % (path, HOST, len(body), fields, body)


def chunked(path, body, random):
    """The body in chunks of any size, some with an extension, sometimes with a trailer."""
    pieces = [b"POST %s HTTP/1.1\r\n%sTransfer-Encoding: chunked\r\n\r\n" % (path, HOST)]
    while body:
        size = random.randint(1, max(1, len(body) // 2))
        extension = random.choice([b"", b"", b";a=b", b';a="b;c"'])
        pieces.append(b"%x%s\r\n%s\r\n" % (size, extension, body[:size]))
        body = body[size:]
    pieces.append(random.choice([b"0\r\n\r\n", b"0\r\nx-trailer: 1\r\n\r\n"]))
    return b"".join(pieces)


def good_request(random):
    """A request with something in it that no other has, the status, and the exact body to be got back."""
    token = random.randbytes(8).hex()
    number = random.randrange(1 << 32)
    data = random.randbytes(random.choice([0, 1, 100, 5000, 40_000]))
    match random.randrange(11):
        case 0 | 1:
            limit = random.randint(1, 100)
            item = {"id": number, "q": token, "limit": limit}
            answer = json.dumps(item, separators=(",", ":")).encode()
            target = b"/items/%d?q=%s&limit=%d" % (number, token.encode(), limit)
            return b"GET %s HTTP/1.1\r\n%s\r\n" % (target, HOST), 200, answer
        case 2:
            return b"GET /echo HTTP/1.1\r\n%sX-Token: %s\r\n\r\n" % (HOST, token.encode()), 200, \
                f"Host: localhost\nX-Token: {token}\n".encode()
        case 3 | 4:
            return post(b"/echo", data), 200, data
        case 5 | 6:
            return chunked(b"/echo", data, random), 200, data
        case 7:
            tags = [token] * (number % 20)
            user = {"name": token, "email": f"{token}@example.org", "age": number % 151, "tags": tags}
            body = json.dumps(user, separators=(",", ":")).encode()
            return post(b"/users", body, b"Content-Type: application/json\r\n"), 200, body
        case 8:
            return b"GET /cookie HTTP/1.1\r\n%sCookie: t=%s\r\n\r\n" % (HOST, token.encode()), 200, \
                b'{"t":"%s"}' % token.encode()
        case 9:
            return b"GET /nowhere/%s HTTP/1.1\r\n%s\r\n" % (token.encode(), HOST), 404, b'{"detail":"Not Found"}'
        case _:
            return b"GET /plaintext HTTP/1.1\r\n%s\r\n" % HOST, 200, b"Hello, World!"


def summary(request):
    return request[:60].decode("latin-1").split("\r\n")[0]


def keep_alive(port, random, tally):
    with Connection(port) as connection:
        for _ in range(20):
            request, status, body = good_request(random)
            connection.send(request)
            connection.expect(summary(request), status, body)
            connection.expect_nothing_more(summary(request))
            tally.count("answers checked")


def pipelined(port, random, tally):
    with Connection(port) as connection:
        requests = [good_request(random) for _ in range(16)]
        exchange(connection, b"".join(request for request, _, _ in requests))
        for request, status, body in requests:
            connection.expect(f"pipelined {summary(request)}", status, body)
            tally.count("answers checked")
        connection.expect_nothing_more("pipelined")


def in_pieces(port, random, tally):
    """A request that arrives in pieces with pauses, then another."""
    with Connection(port) as connection:
        for _ in range(2):
            request, status, body = good_request(random)
            places = sorted(random.randrange(len(request)) for _ in range(4))
            for start, end in zip([0, *places], [*places, len(request)]):
                connection.send(request[start:end])
                time.sleep(random.random() * 0.05)
            connection.expect(f"in pieces {summary(request)}", status, body)
            tally.count("answers checked")


def churn(port, random, tally):
    """A connection for one request; some say so, some close first, some only their own side."""
    request, status, body = good_request(random)
    ending = random.randrange(3)
    if ending == 0:
        request = request.replace(HOST, HOST + b"Connection: close\r\n", 1)
        # The one that gives the fields back.
        body = body.replace(b"Host: localhost\n", b"Host: localhost\nConnection: close\n")
    with Connection(port) as connection:
        connection.send(request)
        if ending == 1:
            connection.link.shutdown(1)
        connection.expect(f"churn {ending} {summary(request)}", status, body)
        if ending < 2:
            connection.expect_end(f"churn {ending} {summary(request)}")
        tally.count("answers checked")


def exchange(connection, data):
    """Sends while it receives, as it takes when the answer is as long as the request."""
    view = memoryview(data)
    connection.link.setblocking(False)
    deadline = time.monotonic() + 30
    while view:
        readable, writable, _ = select.select([connection.link], [connection.link], [], 1)
        if readable:
            connection.more()
        if writable:
            view = view[connection.link.send(view[:65536]) :]
        if time.monotonic() > deadline:
            raise Fault(f"{len(view)} bytes are not taken")
    connection.link.settimeout(TIMEOUT)


def streamed(port, random, tally):
    """A body that comes back while it is sent."""
    body = random.randbytes(random.randint(100_000, 600_000))
    with Connection(port) as connection:
        exchange(connection, chunked(b"/pour", body, random) if random.random() < 0.5 else post(b"/pour", body))
        connection.expect("streamed", 200, body)
        request, status, body = good_request(random)
        connection.send(request)
        connection.expect("after streamed", status, body)
        tally.count("answers checked", 2)


def large(port, random, tally, expected=[]):
    """A large body, a large answer, and a file of the documentation."""
    body = random.randbytes(random.randint(1_000_000, 2_000_000))
    with Connection(port) as connection:
        exchange(connection, post(b"/count", body))
        connection.expect("large /count", 200, b"%d" % len(body))
        exchange(connection, post(b"/echo", body))
        connection.expect("large /echo", 200, body)
        connection.send(b"GET %s HTTP/1.1\r\n%s\r\n" % (LARGE.encode(), HOST))
        _, _, file = connection.answer()
        if not expected:
            expected.append(file)
        if file != expected[0] or len(file) < 500_000:
            raise Fault(f"{LARGE} has {len(file)} bytes, and had {len(expected[0])}")
        tally.count("answers checked", 3)


def continued(port, random, tally):
    """RFC 9110 §10.1.1: the body after 100, or not at all after a refusal."""
    body = random.randbytes(random.randint(1, 30_000))
    with Connection(port) as connection:
        head, rest = post(b"/echo", body, b"Expect: 100-continue\r\n").split(b"\r\n\r\n", 1)
        connection.send(head + b"\r\n\r\n")
        connection.expect("100-continue", 100)
        connection.send(rest)
        connection.expect("after 100", 200, body)
        connection.send(b"POST /nowhere HTTP/1.1\r\n%sContent-Length: 5\r\nExpect: 100-continue\r\n\r\n" % HOST)
        connection.expect("a body that is not wanted", 404)
        tally.count("answers checked", 2)


def patient(port, random, tally):
    """A handler that takes its time, and one that panics."""
    milliseconds = random.randint(1, 2000)
    with Connection(port) as connection:
        connection.send(b"GET /slow/%d HTTP/1.1\r\n%s\r\n" % (milliseconds, HOST))
        connection.send(b"HEAD /plaintext HTTP/1.1\r\n%s\r\n" % HOST)
        connection.expect("slow", 200, b"slept %d ms\n" % milliseconds)
        connection.expect("HEAD", 200, is_head=True)
        connection.send(b"GET /panic HTTP/1.1\r\n%s\r\n" % HOST)
        connection.expect("panic", 500, b'{"detail":"Internal Server Error"}')
        tally.count("answers checked", 3)


def field(line, status=400):
    return b"GET /plaintext HTTP/1.1\r\n" + HOST + line + b"\r\n\r\n", (status,)


def to_echo(fields, body, *statuses):
    return b"POST /echo HTTP/1.1\r\n" + HOST + fields + b"\r\n" + body, statuses or (400,)


HIDDEN = b"GET /items/1?q=hidden HTTP/1.1\r\n" + HOST + b"\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"

# What is sent, and how it may be answered: RFC 9112 and RFC 9110 §5. Nothing after it may be answered.
MALFORMED = [
    (b"GET /plaintext HTTP/1.1\r\n\r\n", (400,)),
    (b"GET /plaintext HTTP/1.1\r\n" + HOST + HOST + b"\r\n", (400,)),
    (b"GET  /plaintext HTTP/1.1\r\n" + HOST + b"\r\n", (400,)),
    (b"GET /plaintext\r\n" + HOST + b"\r\n", (400,)),
    (b"GET /plaintext http/1.1\r\n" + HOST + b"\r\n", (400,)),
    (b"GET /plain text HTTP/1.1\r\n" + HOST + b"\r\n", (400,)),
    (b"GET /\x00 HTTP/1.1\r\n" + HOST + b"\r\n", (400,)),
    (b"G(T / HTTP/1.1\r\n" + HOST + b"\r\n", (400, 501)),
    (b"GET / HTTP/2.0\r\n" + HOST + b"\r\n", (505,)),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (400, 505)),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", (400,)),
    (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", (414,)),
    (b"GET / HTTP/1.1\r\n" + HOST + b"a: b\r\n" * 20_000 + b"\r\n", (431,)),
    field(b"X : 1"), field(b" X: 1"), field(b"X: 1\r\n folded"), field(b"X: \x00"), field(b"X: \x01"),
    field(b"X: a\rb"), field(b"X: \x7f"), field(b": 1"), field(b"X"), field(b"\xc3\xa4: 1"), field(b"X\x00: 1"),
    to_echo(b"Content-Length: +3\r\n", b"abc"), to_echo(b"Content-Length: -1\r\n", b""),
    to_echo(b"Content-Length: 3, 4\r\n", b"abcd"), to_echo(b"Content-Length: 0x3\r\n", b"abc"),
    to_echo(b"Content-Length: 3\r\nContent-Length: 4\r\n", b"abcd"), to_echo(b"Content-Length: \r\n", b""),
    to_echo(b"Content-Length: 99999999999999999999999\r\n", b"", 400, 413),
    to_echo(b"Content-Length: 99999999999\r\n", b"", 413),
    to_echo(b"Content-Length: 6\r\n" + CHUNKED, b"0\r\n\r\n" + HIDDEN),
    to_echo(CHUNKED + b"Content-Length: 6\r\n", b"0\r\n\r\n" + HIDDEN),
    to_echo(b"Transfer-Encoding: xchunked\r\n", b"0\r\n\r\n" + HIDDEN, 400, 501),
    to_echo(b"Transfer-Encoding: gzip, chunked\r\n", b"0\r\n\r\n" + HIDDEN, 400, 501),
    to_echo(b"Transfer-Encoding: chunked, identity\r\n", b"0\r\n\r\n" + HIDDEN, 400, 501),
    to_echo(CHUNKED + CHUNKED, b"0\r\n\r\n" + HIDDEN),
    to_echo(b"Transfer-Encoding: \x0bchunked\r\n", b"0\r\n\r\n" + HIDDEN),
    to_echo(b"Transfer-Encoding : chunked\r\n", b"0\r\n\r\n" + HIDDEN),
    to_echo(CHUNKED, b"xyz\r\n\r\n" + HIDDEN), to_echo(CHUNKED, b"0x3\r\nabc\r\n0\r\n\r\n" + HIDDEN),
    to_echo(CHUNKED, b"-3\r\nabc\r\n0\r\n\r\n" + HIDDEN), to_echo(CHUNKED, b"3\r\nabcd\r\n0\r\n\r\n" + HIDDEN),
    to_echo(CHUNKED, b"3\nabc\n0\n\n" + HIDDEN), to_echo(CHUNKED, b"fffffffffffffffff\r\nabc", 400, 413),
    to_echo(CHUNKED, b"3;\x00\r\nabc\r\n0\r\n\r\n" + HIDDEN), to_echo(CHUNKED, b"\r\n3\r\nabc\r\n0\r\n\r\n" + HIDDEN),
    to_echo(CHUNKED, b"3\r\nabc\r\n0\r\nX : 1\r\n\r\n" + HIDDEN),
    (b"POST /echo HTTP/1.0\r\n" + HOST + CHUNKED + b"\r\n0\r\n\r\n" + HIDDEN, (400,)),
]


def malformed(port, random, tally):
    """What no server may take, sometimes after a good request: one refusal, and the end."""
    data, statuses = random.choice(MALFORMED)
    request, status, body = good_request(random) if random.random() < 0.3 else (b"", 0, b"")
    with Connection(port) as connection:
        try:
            connection.send(request + data)
        except ConnectionError:
            # Refused before all of it was sent; the answer has come nevertheless.
            pass
        if request:
            connection.expect(f"good before {data!r:.60}", status, body)
            tally.count("answers checked")
        found, fields, _ = connection.answer()
        if found not in statuses or fields.get("connection") != "close":
            raise Fault(f"{found} {fields} to {data!r:.150}")
        connection.expect_end(f"after the refusal of {data!r:.100}")


def aborted(port, random, tally):
    """Ends, with or without a reset, at any point of a request or of its answer."""
    connection = Connection(port)
    match random.randrange(6):
        case 0:
            pass
        case 1 | 2:
            request = good_request(random)[0]
            connection.send(request[: random.randrange(1, len(request) + 1)])
        case 3:
            connection.send(b"".join(good_request(random)[0] for _ in range(50))[:100_000])
        case 4:
            connection.send(b"GET %s HTTP/1.1\r\n%s\r\n" % (LARGE.encode(), HOST))
            connection.link.recv(random.choice([1, 1000, 60_000]))
        case 5:
            connection.send(b"POST /pour HTTP/1.1\r\n%sContent-Length: 1000000\r\n\r\n" % HOST + bytes(50_000))
            connection.link.recv(1000)
    time.sleep(random.choice([0, 0, 0.01, 0.1]))
    if random.random() < 0.5:
        connection.reset()
    else:
        connection.link.close()


def trickle(connection, data, stop):
    """A byte a second until something comes back. Gives the seconds; `None` if the soak ended first."""
    began = time.monotonic()
    for byte in data:
        connection.send(bytes([byte]))
        if select.select([connection.link], [], [], 1)[0]:
            return time.monotonic() - began
        if stop.is_set():
            return None
    raise Fault(f"after {time.monotonic() - began:.0f} s nothing has come back")


def slow(port, stop, head, rest, limit):
    """Sends the rest of a request a byte at a time; it has to be refused at the time limit."""
    with Connection(port) as connection:
        connection.send(head)
        took = trickle(connection, rest, stop)
        if took is None:
            return False
        connection.expect("slow", 408)
        if not limit - 1 < took < limit + 3:
            raise Fault(f"refused after {took:.1f} s, not {limit}")


def slow_head(port, random, tally, stop):
    return slow(port, stop, b"", b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"x" * 100, 10)


def slow_body(port, random, tally, stop):
    return slow(port, stop, b"POST /echo HTTP/1.1\r\n%sContent-Length: 1000\r\n\r\n" % HOST, b"x" * 1000, 30)


def slow_reader(port, random, tally, stop):
    """Takes 500 bytes a second of an answer that the buffers in between do not hold; it has to be cut."""
    with Connection(port, receive_buffer=4096) as connection:
        connection.send(b"GET %s HTTP/1.1\r\n%s\r\n" % (LARGE.encode(), HOST))
        began, taken = time.monotonic(), 0
        while not stop.wait(1):
            try:
                piece = connection.link.recv(500)
            except ConnectionResetError:
                return True
            taken += len(piece)
            took = time.monotonic() - began
            if not piece or took > 100:
                raise Fault(f"a slow reader has got {taken} bytes in {took:.0f} s and was not reset")
        return False


def idle(port, random, tally, stop):
    """Asks once and stays; the server closes after 75 s without a word."""
    with Connection(port) as connection:
        request, status, body = good_request(random)
        connection.send(request)
        connection.expect("before idling", status, body)
        began = time.monotonic()
        while not select.select([connection.link], [], [], 1)[0]:
            if stop.is_set():
                return False
            if time.monotonic() - began > 80:
                raise Fault("an idle connection is still open after 80 s")
        connection.expect_end("idle")
        if not 74 < (took := time.monotonic() - began) < 78:
            raise Fault(f"an idle connection was closed after {took:.1f} s")


# How many visits a second.
PACED = {keep_alive: 4, pipelined: 4, in_pieces: 4, churn: 30, streamed: 2, large: 0.5, continued: 4, patient: 1,
         malformed: 25, aborted: 25}
# How many at the same time.
HELD = {slow_head: 20, slow_body: 20, slow_reader: 10, idle: 20}
