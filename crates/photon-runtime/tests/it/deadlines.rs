//! Coarse deadlines: never early, hardly late, and never lost.

use std::io::{ErrorKind, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use photon_runtime::net::{Ready, TcpStream};
use photon_runtime::{Builder, JoinHandle, sleep};

use crate::connections::pair;
use crate::runtime;

fn on<T: Send + 'static>(worker: usize, f: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    Builder::new().worker(worker).spawn(f).unwrap()
}

#[test]
fn a_deadline_ends_a_wait_and_stays_until_it_is_set_anew() {
    let (send, receive) = channel();
    let (coroutine, mut peer) = pair(move |mut stream| {
        // Other tests keep the workers busy, so the lateness that counts is the least of several.
        let after = Duration::from_millis(150);
        let late = (0..8).map(|_| {
            let start = Instant::now();
            stream.set_deadline(Some(after));
            while stream.wait_ready() != Ready::Deadline {}
            start.elapsed().checked_sub(after).expect("early")
        });
        let late = late.min().unwrap();
        assert!(late <= Duration::from_millis(100), "{late:?}");
        assert_eq!(stream.wait_ready(), Ready::Deadline);
        assert_eq!(stream.read(&mut [0; 1]).unwrap_err().kind(), ErrorKind::TimedOut);
        // Renewed, and removed.
        for _ in 0..10 {
            stream.set_deadline(Some(Duration::from_millis(120)));
            sleep(Duration::from_millis(30));
        }
        stream.set_deadline(None);
        send.send(()).unwrap();
        assert_eq!(stream.read(&mut [0; 1]).unwrap(), 1);
    });
    receive.recv().unwrap();
    thread::sleep(Duration::from_millis(300));
    peer.write_all(b"x").unwrap();
    coroutine.join().unwrap();
}

#[test]
fn a_deadline_is_not_early_even_if_the_worker_was_busy() {
    let (coroutine, peer) = pair(|mut stream| {
        stream.set_deadline(Some(Duration::from_secs(60)));
        for after in [10, 40, 100, 250] {
            // Nothing sweeps meanwhile, so the deadline is set in terms of an old tick.
            thread::sleep(Duration::from_millis(150));
            let (start, after) = (Instant::now(), Duration::from_millis(after));
            stream.set_deadline(Some(after));
            while stream.wait_ready() != Ready::Deadline {}
            assert!(start.elapsed() >= after, "{:?} < {after:?}", start.elapsed());
        }
    });
    coroutine.join().unwrap();
    drop(peer);
}

#[test]
fn a_deadline_is_not_late_although_the_worker_is_always_busy() {
    runtime();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let theirs = Arc::clone(&stop);
    let hog = on(1, move || {
        while !theirs.load(Ordering::SeqCst) {
            // Far longer than the sweeps are apart.
            thread::sleep(Duration::from_millis(100));
            sleep(Duration::from_millis(1));
        }
    });
    let late = on(1, move || {
        let mut stream = TcpStream::connect(address).unwrap();
        let after = Duration::from_millis(500);
        let start = Instant::now();
        stream.set_deadline(Some(after));
        while stream.wait_ready() != Ready::Deadline {}
        start.elapsed().checked_sub(after).expect("early")
    });
    let late = late.join().unwrap();
    stop.store(true, Ordering::SeqCst);
    hog.join().unwrap();
    assert!(late < Duration::from_millis(450), "{late:?}");
}

#[test]
fn a_deadline_goes_where_the_stream_goes() {
    runtime();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let after = Duration::from_millis(150);
    let set = move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_deadline(Some(after));
        (stream, Instant::now())
    };
    let expect = move |(mut stream, start): (TcpStream, Instant)| {
        assert_eq!(stream.read(&mut [0]).unwrap_err().kind(), ErrorKind::TimedOut);
        let elapsed = start.elapsed();
        assert!(after <= elapsed && elapsed < Duration::from_secs(5), "{elapsed:?}");
        // It stays passed until it is set anew.
        while stream.wait_ready() != Ready::Deadline {}
    };
    let ended = thread::spawn(move || {
        on(1, {
            let set = on(0, set).join().unwrap();
            move || expect(set)
        })
        .join()
        .unwrap();
        on(0, {
            let set = set();
            move || expect(set)
        })
        .join()
        .unwrap();
        expect(on(0, set).join().unwrap());
        expect(set());
    });
    let start = Instant::now();
    while !ended.is_finished() {
        assert!(start.elapsed() < Duration::from_secs(15), "a deadline was lost");
        thread::sleep(Duration::from_millis(10));
    }
    ended.join().unwrap();
}

#[test]
fn deadlines_and_timeouts_work_on_plain_threads() {
    runtime();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (mut peer, _) = listener.accept().unwrap();
    stream.set_deadline(Some(Duration::from_millis(60)));
    let start = Instant::now();
    assert_eq!(stream.wait_ready(), Ready::Deadline);
    assert!(start.elapsed() >= Duration::from_millis(60));
    stream.set_deadline(None);
    stream.set_read_timeout(Some(Duration::from_millis(30)));
    assert_eq!(stream.read(&mut [0; 1]).unwrap_err().kind(), ErrorKind::TimedOut);
    peer.write_all(b"hello").unwrap();
    let mut text = [0; 5];
    stream.read_exact(&mut text).unwrap();
    assert_eq!(&text, b"hello");
    let waker = stream.waker();
    thread::spawn(move || waker.wake());
    assert_eq!(stream.wait_ready(), Ready::Woken);
}
