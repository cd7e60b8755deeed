//! TCP: errors that are told, waits that end, and nothing lost on an edge.

use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use photon_runtime::net::{Ready, TcpListener, TcpStream};
use photon_runtime::{sleep, spawn};

use crate::{child, runtime};

/// A stream on a coroutine, and its peer on this thread.
pub(crate) fn pair<T: Send + 'static>(
    f: impl FnOnce(TcpStream) -> T + Send + 'static,
) -> (photon_runtime::JoinHandle<T>, std::net::TcpStream) {
    runtime();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let coroutine = spawn(move || f(TcpStream::connect(address).unwrap()));
    (coroutine, listener.accept().unwrap().0)
}

#[test]
fn a_taken_port_is_an_error_that_names_it() {
    runtime();
    let first = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = first.local_addr();
    let error = TcpListener::bind(address).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
    assert!(error.to_string().contains(&address.to_string()), "{error}");
    // Once it is free it can be bound at once, connections in TIME_WAIT or not.
    let client = std::net::TcpStream::connect(address).unwrap();
    drop(first.accept().unwrap());
    drop(first);
    drop(client);
    TcpListener::bind(address).unwrap();
}

#[test]
fn an_address_that_cannot_be_bound_is_named() {
    runtime();
    let error = TcpListener::bind("192.0.2.1:1").unwrap_err();
    assert!(error.to_string().contains("192.0.2.1:1"), "{error}");
    assert!(TcpListener::bind(&[][..]).is_err());
}

#[test]
fn running_out_of_descriptors_is_an_error_of_accept_and_does_not_spin() {
    const TEST: &str = "connections::running_out_of_descriptors_is_an_error_of_accept_and_does_not_spin";
    if !child::is_child(TEST) {
        return child::succeeds(TEST);
    }
    let limit = libc::rlimit { rlim_cur: 64, rlim_max: 64 };
    // SAFETY: a valid rlimit.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) }, 0);
    runtime();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr();
    // Clients are connected first, then every free descriptor is used up.
    let clients: Vec<_> = (0..4).map(|_| std::net::TcpStream::connect(address).unwrap()).collect();
    let files: Vec<_> = std::iter::from_fn(|| std::fs::File::open("/dev/null").ok()).collect();
    spawn(move || {
        let error = listener.accept().unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EMFILE), "{error}");
        // Said again at once each time, so a caller that backs off makes few attempts.
        let start = Instant::now();
        let mut errors = 0;
        while start.elapsed() < Duration::from_millis(100) {
            errors += usize::from(listener.accept().is_err());
            sleep(Duration::from_millis(10));
        }
        assert!((1..=11).contains(&errors), "{errors}");
        drop(files);
        for _ in 0..4 {
            listener.accept().unwrap();
        }
    })
    .join()
    .unwrap();
    drop(clients);
}

#[test]
fn accept_can_be_interrupted_and_goes_on() {
    runtime();
    let listener = Arc::new(TcpListener::bind("127.0.0.1:0").unwrap());
    let waker = listener.waker();
    let address = listener.local_addr();
    let ours = Arc::clone(&listener);
    let coroutine = spawn(move || {
        assert_eq!(ours.accept().unwrap_err().kind(), ErrorKind::Interrupted);
        ours.accept().map(|incoming| incoming.peer_addr().unwrap())
    });
    thread::sleep(Duration::from_millis(20));
    waker.wake();
    thread::sleep(Duration::from_millis(20));
    let client = std::net::TcpStream::connect(address).unwrap();
    assert_eq!(coroutine.join().unwrap().unwrap(), client.local_addr().unwrap());
    // On a thread, and before the call.
    waker.wake();
    assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::Interrupted);
}

#[test]
fn several_coroutines_may_accept_from_one_listener() {
    runtime();
    let listener = Arc::new(TcpListener::bind("127.0.0.1:0").unwrap());
    let address = listener.local_addr();
    let acceptors: Vec<_> = (0..8)
        .map(|_| {
            let listener = Arc::clone(&listener);
            spawn(move || listener.accept().map(|incoming| incoming.peer_addr().unwrap()))
        })
        .collect();
    let clients: Vec<_> = (0..8).map(|_| std::net::TcpStream::connect(address).unwrap()).collect();
    let mut accepted: Vec<_> = acceptors.into_iter().map(|one| one.join().unwrap().unwrap()).collect();
    let mut expected: Vec<_> = clients.iter().map(|client| client.local_addr().unwrap()).collect();
    accepted.sort();
    expected.sort();
    assert_eq!(accepted, expected);
}

#[test]
fn connections_are_spread_over_the_workers() {
    runtime();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr();
    let clients: Vec<_> = (0..40).map(|_| std::net::TcpStream::connect(address).unwrap()).collect();
    let (send, receive) = channel();
    spawn(move || {
        for _ in 0..40 {
            let send = send.clone();
            let serve = move |mut stream: TcpStream| {
                send.send(photon_runtime::worker().unwrap()).unwrap();
                let _ = stream.read(&mut [0; 1]);
            };
            listener.accept().unwrap().spawn(serve).unwrap();
        }
    })
    .join()
    .unwrap();
    let workers: Vec<usize> = receive.iter().take(40).collect();
    let first = workers.iter().filter(|worker| **worker == 0).count();
    // Other tests have connections too.
    assert!((8..=32).contains(&first), "{first} of 40 on worker 0");
    drop(clients);
}

#[test]
fn wakes_reach_a_waiting_and_a_busy_coroutine() {
    let (send, receive) = channel();
    let (coroutine, peer) = pair(move |mut stream| {
        send.send(stream.waker()).unwrap();
        while stream.wait_ready() != Ready::Woken {}
        send.send(stream.waker()).unwrap();
        // Woken while it is not waiting: told at the next wait, once.
        sleep(Duration::from_millis(100));
        assert_eq!(stream.wait_ready(), Ready::Woken);
        stream.set_deadline(Some(Duration::from_millis(50)));
        while stream.wait_ready() != Ready::Deadline {}
    });
    let waker = receive.recv().unwrap();
    thread::sleep(Duration::from_millis(20));
    waker.wake();
    let waker = receive.recv().unwrap();
    (0..5).for_each(|_| waker.wake());
    coroutine.join().unwrap();
    // Nobody is there any more.
    waker.wake();
    drop(peer);
}

#[test]
fn a_read_timeout_is_a_timed_out_error_and_the_stream_stays_usable() {
    let (coroutine, mut peer) = pair(|mut stream| {
        stream.set_read_timeout(Some(Duration::from_millis(30)));
        let start = Instant::now();
        assert_eq!(stream.read(&mut [0; 1]).unwrap_err().kind(), ErrorKind::TimedOut);
        assert!((30..2000).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());
        stream.set_read_timeout(Some(Duration::from_secs(20)));
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        byte
    });
    thread::sleep(Duration::from_millis(200));
    peer.write_all(b"x").unwrap();
    assert_eq!(coroutine.join().unwrap(), *b"x");
}

#[test]
fn a_write_timeout_ends_a_write_that_nobody_reads() {
    let (coroutine, peer) = pair(|mut stream| {
        stream.set_write_timeout(Some(Duration::from_millis(50)));
        let bytes = vec![0; 1 << 20];
        loop {
            if let Err(error) = stream.write(&bytes) {
                return error.kind();
            }
        }
    });
    assert_eq!(coroutine.join().unwrap(), ErrorKind::TimedOut);
    drop(peer);
}

/// Bytes and the closing arrive together: one event, one short read, and then the end must still be seen.
#[test]
fn a_closing_that_came_with_the_last_bytes_is_not_lost() {
    for _ in 0..50 {
        let (send, receive) = channel();
        let (coroutine, mut peer) = pair(move |mut stream| {
            receive.recv().unwrap();
            let mut buffer = [0; 1024];
            let mut read = 0;
            stream.set_deadline(Some(Duration::from_secs(5)));
            loop {
                assert_eq!(stream.wait_ready(), Ready::Io, "the closing was lost");
                match stream.try_read(&mut buffer) {
                    Ok(0) => return read,
                    Ok(n) => read += n,
                    Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
                }
            }
        });
        peer.write_all(b"last words").unwrap();
        peer.shutdown(Shutdown::Write).unwrap();
        send.send(()).unwrap();
        assert_eq!(coroutine.join().unwrap(), 10);
    }
}

/// After the end was read, waiting for room to write must really wait.
#[test]
fn a_half_closed_connection_does_not_spin() {
    let (coroutine, mut peer) = pair(|mut stream| {
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).unwrap();
        let bytes = vec![7; 8 << 20];
        let (mut written, mut waits) = (0, 0);
        while written < bytes.len() {
            match stream.try_write(&bytes[written..]) {
                Ok(n) => written += n,
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::WouldBlock);
                    waits += 1;
                    stream.wait_ready();
                }
            }
        }
        waits
    });
    peer.shutdown(Shutdown::Write).unwrap();
    thread::sleep(Duration::from_millis(100));
    let mut bytes = vec![0; 8 << 20];
    peer.read_exact(&mut bytes).unwrap();
    let waits = coroutine.join().unwrap();
    assert!(waits < 2000, "{waits} waits");
}

#[test]
fn connecting_fails_with_the_reason_and_in_time() {
    runtime();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let both = move || {
        assert_eq!(TcpStream::connect(free).unwrap_err().kind(), ErrorKind::ConnectionRefused);
        assert!(TcpStream::connect("no port").is_err());
        let (full, _clients) = full_listener();
        let start = Instant::now();
        let timeout = Duration::from_millis(100);
        let error = TcpStream::connect_timeout(&full.local_addr().unwrap(), timeout).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
        assert!(start.elapsed() >= timeout && start.elapsed() < Duration::from_secs(3));
    };
    spawn(both).join().unwrap();
    both();
}

#[test]
fn connecting_in_a_destructor_of_an_unwinding_coroutine_ends() {
    const TEST: &str = "connections::connecting_in_a_destructor_of_an_unwinding_coroutine_ends";
    if !child::is_child(TEST) {
        return child::succeeds(TEST);
    }
    struct Connects(std::net::SocketAddr);
    impl Drop for Connects {
        fn drop(&mut self) {
            assert_eq!(TcpStream::connect(self.0).unwrap_err().kind(), ErrorKind::TimedOut);
        }
    }
    runtime();
    let (full, _clients) = full_listener();
    let address = full.local_addr().unwrap();
    let coroutine = spawn(move || {
        let _connects = Connects(address);
        panic!("expected");
    });
    let start = Instant::now();
    while !coroutine.is_finished() {
        assert!(start.elapsed() < Duration::from_secs(20), "it still waits");
        thread::sleep(Duration::from_millis(10));
    }
}

/// A listener whose backlog is full: the kernel drops further requests, so that they hang.
fn full_listener() -> (std::net::TcpListener, Vec<socket2::Socket>) {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&"127.0.0.1:0".parse::<std::net::SocketAddr>().unwrap().into()).unwrap();
    socket.listen(0).unwrap();
    let listener: std::net::TcpListener = socket.into();
    let address = listener.local_addr().unwrap().into();
    let clients = (0..4)
        .map(|_| {
            let client = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
            client.set_nonblocking(true).unwrap();
            let _ = client.connect(&address);
            client
        })
        .collect();
    thread::sleep(Duration::from_millis(20));
    (listener, clients)
}

#[test]
fn a_cloned_stream_reads_and_writes_independently() {
    let (coroutine, mut peer) = pair(|stream| {
        let mut writer = stream.try_clone().unwrap();
        let mut reader = stream;
        let reading = spawn(move || {
            let mut text = String::new();
            reader.read_to_string(&mut text).unwrap();
            text
        });
        sleep(Duration::from_millis(10));
        writer.write_all(b"question").unwrap();
        reading.join().unwrap()
    });
    let mut question = [0; 8];
    peer.read_exact(&mut question).unwrap();
    peer.write_all(b"answer").unwrap();
    drop(peer);
    assert_eq!((coroutine.join().unwrap().as_str(), &question), ("answer", b"question"));
}

#[test]
fn a_stream_can_end_with_a_reset() {
    let (coroutine, mut peer) = pair(|mut stream| {
        stream.write_all(b"half").unwrap();
        // Until the peer has it.
        stream.read_exact(&mut [0]).unwrap();
        stream.reset_at_close().unwrap();
    });
    peer.read_exact(&mut [0; 4]).unwrap();
    peer.write_all(b"x").unwrap();
    assert_eq!(peer.read(&mut [0; 4]).unwrap_err().kind(), ErrorKind::ConnectionReset);
    coroutine.join().unwrap();
}

#[test]
fn streams_that_come_and_go_leave_no_descriptor_behind() {
    const TEST: &str = "connections::streams_that_come_and_go_leave_no_descriptor_behind";
    if !child::is_child(TEST) {
        return child::succeeds(TEST);
    }
    runtime();
    let open = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    let listener = Arc::new(TcpListener::bind("127.0.0.1:0").unwrap());
    let address = listener.local_addr();
    let round = || {
        let listener = Arc::clone(&listener);
        let server = spawn(move || {
            for _ in 0..50 {
                let serve = |mut stream: TcpStream| {
                    stream.set_deadline(Some(Duration::from_secs(9)));
                    std::io::copy(&mut stream.try_clone().unwrap(), &mut stream).unwrap();
                };
                listener.accept().unwrap().spawn(serve).unwrap();
            }
        });
        let clients: Vec<_> = (0..50)
            .map(|_| {
                spawn(move || {
                    let mut stream = TcpStream::connect(address).unwrap();
                    stream.write_all(b"x").unwrap();
                    stream.read_exact(&mut [0]).unwrap();
                })
            })
            .collect();
        clients.into_iter().for_each(|client| client.join().unwrap());
        server.join().unwrap();
        while photon_runtime::live_coroutines() > 0 {
            thread::sleep(Duration::from_millis(1));
        }
    };
    round();
    let before = open();
    (0..10).for_each(|_| round());
    assert_eq!(open(), before);
}

#[test]
fn the_kernel_keeps_little_for_a_peer_that_takes_nothing() {
    runtime();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let peer = std::net::TcpStream::connect(listener.local_addr()).unwrap();
    let incoming = listener.accept().unwrap();
    let (done, written) = channel();
    let fill = move |mut stream: TcpStream| {
        let mut total = 0;
        while let Ok(count) = stream.try_write(&[0; 16 * 1024]) {
            total += count;
        }
        done.send((total, stream.unreceived().unwrap())).unwrap();
    };
    incoming.spawn(fill).unwrap();
    let (written, unreceived) = written.recv().unwrap();
    assert!((256 * 1024..2 << 20).contains(&written), "{written}");
    assert!((1..=written).contains(&unreceived), "{unreceived} of {written}");
    drop(peer);
}
