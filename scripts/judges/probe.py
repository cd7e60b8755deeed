"""The probe example over plain sockets: probe.py PORT.

A client that shares no code with Photon says what the probe answers. The crates' own tests go
deeper; this shows that the parts were put together.
"""

import http.client
import json
import socket
import sys
import time

PORT = int(sys.argv[1])
faults = []


def ask(method, path, body=None, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=10)
    connection.request(method, path, body, headers or {})
    answer = connection.getresponse()
    return answer.status, answer.headers, answer.read()


def raw(*pieces, count=None):
    """Sends bytes as they are and reads until the server closes, or `count` status lines came."""
    with socket.create_connection(("127.0.0.1", PORT), timeout=10) as link:
        for piece in pieces:
            link.sendall(piece)
            time.sleep(0.02)
        received = b""
        while count is None or received.count(b"HTTP/1.1 ") < count or not received.endswith(b"END"):
            piece = link.recv(65536)
            if not piece:
                break
            received += piece
    return received


def expect(name, found, expected):
    if found != expected:
        faults.append(f"{name}: {found!r:.200}, expected {expected!r:.200}")


def statuses():
    user = {"name": "Ada", "email": "ada@example.org", "age": 36, "tags": ["a"]}
    form = {"Content-Type": "application/json"}
    table = [
        ("GET", "/", None, 200),
        ("GET", "/plaintext", None, 200),
        ("GET", "/items/7?q=abc&limit=5", None, 200),
        ("GET", "/items/seven", None, 422),
        ("GET", "/slow/20", None, 200),
        ("GET", "/nowhere", None, 404),
        ("DELETE", "/plaintext", None, 405),
        ("GET", "/panic", None, 500),
        ("HEAD", "/plaintext", None, 200),
        ("POST", "/users", json.dumps({**user, "age": 151}), 422),
        ("POST", "/users", json.dumps({**user, "name": "Al"}), 422),
        ("POST", "/users", json.dumps({**user, "email": "ada"}), 422),
        ("POST", "/users", "{", 422),
    ]
    for method, path, body, status in table:
        expect(f"{method} {path} {body}", ask(method, path, body, form)[0], status)
    status, _, body = ask("POST", "/users", json.dumps(user), form)
    expect("POST /users", (status // 100, json.loads(body)), (2, user))
    expect("GET /panic tells nothing", b"panic" in ask("GET", "/panic")[2].lower(), False)
    expect("405 has Allow", "GET" in (ask("DELETE", "/plaintext")[1]["Allow"] or ""), True)
    expect("HEAD has no body", ask("HEAD", "/plaintext")[2], b"")


def bodies():
    everything = bytes(range(256)) * 300
    expect("POST /echo", ask("POST", "/echo", everything)[2], everything)
    expect("POST /", ask("POST", "/", b"x" * 10)[2], b"x" * 10)
    expect("chunked", ask("POST", "/echo", iter([b"ab", b"c" * 5000]))[2], b"ab" + b"c" * 5000)
    large = b"0123456789abcdef" * (1 << 21)
    expect("32 MiB to /count", ask("POST", "/count", large)[2], b"33554432")
    expect("3 MiB to /echo", ask("POST", "/echo", large[: 3 << 20])[0], 413)
    expect("32 MiB in chunks", ask("POST", "/count", iter([large[:65536]] * 512))[2], b"33554432")
    expect("GET /plaintext", ask("GET", "/plaintext")[2], b"Hello, World!")
    expect("GET /json", json.loads(ask("GET", "/json")[2]), {"message": "Hello, World!"})
    cookies = json.loads(ask("GET", "/cookie", headers={"Cookie": "a=1; b=two"})[2])
    expect("GET /cookie", cookies, {"a": "1", "b": "two"})
    echoed = ask("GET", "/echo", headers={"X-Mark": "here"})[2].decode().lower()
    expect("GET /echo", "x-mark: here" in echoed, True)


def protocol():
    host = b"Host: a\r\n\r\n"
    post = b"POST /echo HTTP/1.1\r\nContent-Length: 3\r\n" + host
    three = post + b"1ND" + post + b"2ND" + post + b"END"
    answers = raw(three, count=3)
    order = [answers.find(mark) for mark in (b"1ND", b"2ND", b"END")]
    expect("three pipelined requests are answered in order", order == sorted(order) and -1 not in order, True)
    expect("a request in pieces", b"\r\n\r\nEND" in raw(post[:9], post[9:40], post[40:], b"E", b"ND", count=1), True)
    expect_continue = b"Expect: 100-continue\r\nContent-Length: 3\r\n" + host
    for path, status in [(b"/echo", b"100"), (b"/count", b"100"), (b"/nowhere", b"404"), (b"/json", b"405")]:
        first = raw(b"POST " + path + b" HTTP/1.1\r\nConnection: close\r\n" + expect_continue, b"END")[9:12]
        expect(f"Expect: 100-continue on {path}", first, status)
    with socket.create_connection(("127.0.0.1", PORT), timeout=10) as link:
        link.sendall(b"POST /pour HTTP/1.1\r\nContent-Length: 10000000\r\n" + host + b"x" * 100_000)
        expect("an answer that begins before the body has ended", link.recv(100)[:13], b"HTTP/1.1 200 ")
    for name, request, status in [
        ("no Host", b"GET / HTTP/1.1\r\n\r\n", b"400"),
        ("no request", b"\x00\x01\x02\r\n\r\n", b"400"),
        ("a future version", b"GET / HTTP/3.0\r\n" + host, b"505"),
        ("a long target", b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n" + host, b"414"),
        ("two lengths", b"POST /echo HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n" + host, b"400"),
        ("an unknown coding", b"POST /echo HTTP/1.1\r\nTransfer-Encoding: rot13\r\n" + host, b"501"),
        ("a large head", b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 50_000 + host, b"431"),
    ]:
        expect(name, raw(request)[9:12], status)


for check in (statuses, bodies, protocol):
    try:
        check()
    except Exception as error:
        faults.append(f"{check.__name__}: {error!r}")
if faults:
    sys.exit("\n".join(faults))
print("the probe answers as it should")
