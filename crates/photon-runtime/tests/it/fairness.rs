//! No coroutine can keep a worker to itself by always being ready.

use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use photon_runtime::net::{TcpListener, TcpStream};
use photon_runtime::sync::mpsc;
use photon_runtime::{Builder, JoinHandle, Wait, yield_now};

use crate::runtime;

fn at_zero<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    Builder::new().worker(0).spawn(f).unwrap()
}

/// Runs `hog` on worker 0 until told to stop, and sees that a socket there is still served.
fn others_are_served(hog: impl FnOnce(Arc<AtomicBool>) + Send + 'static) {
    runtime();
    let stop = Arc::new(AtomicBool::new(false));
    let theirs = Arc::clone(&stop);
    let hog = at_zero(move || hog(theirs));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let echo = at_zero(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        let mut byte = [0];
        for _ in 0..50 {
            stream.read_exact(&mut byte).unwrap();
            stream.write_all(&byte).unwrap();
        }
    });
    let (mut peer, _) = listener.accept().unwrap();
    peer.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let start = Instant::now();
    for n in 0..50 {
        peer.write_all(&[n]).unwrap();
        let mut byte = [0];
        peer.read_exact(&mut byte).expect("the other connection is starved");
        assert_eq!(byte, [n]);
    }
    assert!(!hog.is_finished());
    stop.store(true, Ordering::SeqCst);
    echo.join().unwrap();
    hog.join().unwrap();
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}

#[test]
fn yield_now_lets_other_connections_run() {
    runtime();
    // Always readable: nobody ever takes the byte.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut peer = std::net::TcpStream::connect(listener.local_addr()).unwrap();
    peer.write_all(b"x").unwrap();
    others_are_served(move |stop| {
        let _stream = listener.accept().unwrap().into_stream();
        while !stop.load(Ordering::SeqCst) {
            yield_now();
        }
    });
}

#[test]
fn a_peer_that_always_sends_does_not_starve_others() {
    runtime();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut peer = std::net::TcpStream::connect(listener.local_addr()).unwrap();
    let flood = thread::spawn(move || {
        let bytes = [0; 65_536];
        while peer.write_all(&bytes).is_ok() {}
    });
    others_are_served(move |stop| {
        let mut stream = listener.accept().unwrap().into_stream();
        let mut byte = [0; 16];
        while !stop.load(Ordering::SeqCst) {
            stream.read_exact(&mut byte).unwrap();
        }
    });
    flood.join().unwrap();
}

#[test]
fn coroutines_that_keep_waking_each_other_do_not_starve_sockets() {
    others_are_served(|stop| {
        let (here, mut from_here) = mpsc::channel(1);
        let (there, mut from_there) = mpsc::channel(1);
        let partner = at_zero(move || {
            while let Some(n) = from_here.recv() {
                there.send(n).unwrap();
            }
        });
        while !stop.load(Ordering::SeqCst) {
            here.send(1).unwrap();
            from_there.recv().unwrap();
        }
        drop(here);
        partner.join().unwrap();
    });
}

#[test]
fn waits_that_are_always_ready_do_not_starve_sockets() {
    let polls = Arc::new(AtomicU32::new(0));
    let theirs = Arc::clone(&polls);
    others_are_served(move |stop| {
        while !stop.load(Ordering::SeqCst) {
            async { theirs.fetch_add(1, Ordering::Relaxed) }.wait();
        }
    });
    // One per round trip at the very least.
    assert!(polls.load(Ordering::Relaxed) >= 50);
}

#[test]
fn a_future_that_wakes_itself_does_not_starve_sockets() {
    others_are_served(|stop| {
        std::future::poll_fn(|context| {
            context.waker().wake_by_ref();
            if stop.load(Ordering::SeqCst) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        })
        .wait();
    });
}

#[test]
fn streams_that_keep_waking_each_other_do_not_starve_others() {
    runtime();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let peers = [(); 2].map(|()| std::net::TcpStream::connect(listener.local_addr()).unwrap());
    others_are_served(move |stop| {
        let mut here = listener.accept().unwrap().into_stream();
        let mut there = listener.accept().unwrap().into_stream();
        let (wakes_here, wakes_there) = (here.waker(), there.waker());
        let theirs = Arc::clone(&stop);
        let partner = at_zero(move || {
            while !theirs.load(Ordering::SeqCst) {
                there.wait_ready();
                wakes_here.wake();
            }
            // A wake runs the other at once, which then may not have seen the end yet and waits again.
            wakes_here.wake();
        });
        while !stop.load(Ordering::SeqCst) {
            wakes_there.wake();
            here.wait_ready();
        }
        wakes_there.wake();
        partner.join().unwrap();
    });
    drop(peers);
}

#[test]
fn a_stream_that_wakes_itself_does_not_starve_others() {
    runtime();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let peer = std::net::TcpStream::connect(listener.local_addr()).unwrap();
    others_are_served(move |stop| {
        let mut stream = listener.accept().unwrap().into_stream();
        while !stop.load(Ordering::SeqCst) {
            stream.waker().wake();
            stream.wait_ready();
        }
    });
    drop(peer);
}
