//! A coroutine never changes threads, whatever it waits for.

use std::io::{Read, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc::channel};
use std::thread;
use std::time::Duration;

use photon_runtime::net::{Ready, TcpListener, TcpStream};
use photon_runtime::sync::{Mutex, Notify, Semaphore, mpsc, oneshot};
use photon_runtime::{Builder, JoinHandle, Wait, blocking, sleep, spawn, worker, yield_now};

use crate::{runtime, thread_id};

/// Where a coroutine was born; every wait is counted against it.
struct Home {
    thread: i32,
    worker: Option<usize>,
    waits: usize,
}

impl Home {
    fn here() -> Home {
        Home { thread: thread_id(), worker: worker(), waits: 0 }
    }

    #[track_caller]
    fn waited(&mut self) {
        self.waits += 1;
        assert_eq!((thread_id(), worker()), (self.thread, self.worker), "after {} waits", self.waits);
    }
}

fn at(worker: usize, f: impl FnOnce(&mut Home) + Send + 'static) -> JoinHandle<usize> {
    Builder::new()
        .worker(worker)
        .spawn(move || {
            let mut home = Home::here();
            f(&mut home);
            home.waits
        })
        .unwrap()
}

fn channel_pairs(rounds: usize, all: &mut Vec<JoinHandle<usize>>) {
    for pair in 0..64 {
        let (there, mut from_there) = mpsc::channel(1);
        let (here, mut from_here) = mpsc::channel(1);
        // Every other pair spans the workers.
        all.push(at(pair, move |home| {
            for n in 0..rounds {
                here.send(n).unwrap();
                home.waited();
                assert_eq!(from_there.recv(), Some(n));
                home.waited();
            }
        }));
        all.push(at(pair / 2, move |home| {
            while let Some(n) = from_here.recv() {
                home.waited();
                there.send(n).unwrap();
                home.waited();
            }
        }));
    }
}

fn sleepers(rounds: usize, all: &mut Vec<JoinHandle<usize>>) {
    for n in 0..1000 {
        all.push(at(n, move |home| {
            for round in 0..rounds {
                sleep(Duration::from_millis(1 + (n + round) as u64 % 3));
                home.waited();
            }
        }));
    }
}

fn tokio_tasks(rounds: usize, all: &mut Vec<JoinHandle<usize>>) {
    for n in 0..500 {
        all.push(at(n, move |home| {
            for round in 0..rounds {
                let task = tokio::spawn(async move { tokio::time::sleep(Duration::from_millis(1)).await });
                if round % 2 == 0 {
                    task.wait().unwrap();
                } else {
                    let _ = task.wait_timeout(Duration::from_millis(2));
                }
                home.waited();
            }
        }));
    }
}

fn sockets(rounds: usize, all: &mut Vec<JoinHandle<usize>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr();
    const CLIENTS: usize = 32;
    for n in 0..CLIENTS {
        all.push(at(n, move |home| {
            let mut stream = TcpStream::connect(address).unwrap();
            home.waited();
            let mut bytes = [0; 8];
            for _ in 0..rounds {
                stream.write_all(b"12345678").unwrap();
                stream.read_exact(&mut bytes).unwrap();
                home.waited();
            }
        }));
    }
    all.push(at(0, move |home| {
        let waits = Arc::new(AtomicUsize::new(0));
        for _ in 0..CLIENTS {
            let incoming = listener.accept().unwrap();
            home.waited();
            let waits = Arc::clone(&waits);
            incoming
                .spawn(move |mut stream| {
                    let mut home = Home::here();
                    let mut bytes = [0; 8];
                    while stream.read_exact(&mut bytes).is_ok() {
                        home.waited();
                        stream.write_all(&bytes).unwrap();
                    }
                    waits.fetch_add(home.waits, Ordering::SeqCst);
                })
                .unwrap();
        }
        while waits.load(Ordering::SeqCst) < CLIENTS * rounds {
            sleep(Duration::from_millis(5));
            home.waited();
        }
        home.waits += CLIENTS * rounds;
    }));
}

#[test]
fn one_million_waits_across_workers_never_change_the_thread() {
    runtime();
    let mut all = Vec::new();
    channel_pairs(3400, &mut all);
    sleepers(60, &mut all);
    tokio_tasks(60, &mut all);
    sockets(1000, &mut all);
    let waits: usize = all.into_iter().map(|coroutine| coroutine.join().unwrap()).sum();
    assert!(waits >= 1_000_000, "{waits}");
}

#[test]
fn sleeps_and_timeouts_resume_on_the_home_worker_and_not_on_the_timer_thread() {
    runtime();
    for worker in [0, 1] {
        at(worker, |home| {
            for millis in [0, 1, 2, 5] {
                sleep(Duration::from_millis(millis));
                home.waited();
                std::future::pending::<()>().wait_timeout(Duration::from_millis(millis)).unwrap_err();
                home.waited();
            }
        })
        .join()
        .unwrap();
    }
}

#[test]
fn every_primitive_resumes_at_home() {
    runtime();
    let everything = |home: &mut Home| {
        let other = home.worker.unwrap() + 1;
        let lock = Arc::new(Mutex::new(0));
        let semaphore = Semaphore::new(0);
        let notify = Arc::new(Notify::new());
        let (sender, receiver) = oneshot::channel();
        let (theirs, permits, bell) = (Arc::clone(&lock), semaphore.clone(), Arc::clone(&notify));
        let helper = at(other, move |_| {
            let guard = theirs.lock();
            sleep(Duration::from_millis(10));
            drop(guard);
            permits.add(1);
            bell.notify_one();
            sender.send(1).unwrap();
        });
        sleep(Duration::from_millis(5));
        home.waited();
        *lock.lock() += 1;
        home.waited();
        let _permit = semaphore.acquire().unwrap();
        home.waited();
        notify.wait();
        home.waited();
        assert_eq!(receiver.recv(), Some(1));
        home.waited();
        helper.join().unwrap();
        home.waited();
        assert_eq!(blocking(|| 5), 5);
        home.waited();
        yield_now();
        home.waited();
        let wakes = thread_wakes().wait();
        home.waited();
        assert_eq!(wakes, 1);
    };
    at(0, everything).join().unwrap();
    at(1, everything).join().unwrap();
}

/// A future that is woken by a plain thread.
fn thread_wakes() -> impl Future<Output = u32> {
    let mut wakes = 0;
    std::future::poll_fn(move |context| {
        if wakes > 0 {
            return std::task::Poll::Ready(wakes);
        }
        wakes += 1;
        let waker = context.waker().clone();
        thread::spawn(move || waker.wake());
        std::task::Poll::Pending
    })
}

#[test]
fn a_stream_that_is_handed_to_another_worker_moves_there() {
    runtime();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut stream = Builder::new()
        .worker(0)
        .spawn(move || {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.set_deadline(Some(Duration::from_secs(60)));
            stream
        })
        .unwrap()
        .join()
        .unwrap();
    let (mut peer, _) = listener.accept().unwrap();
    // Worker 1, worker 0 again, a plain thread, worker 1.
    for turn in [1, 0, 9, 1] {
        let waker = stream.waker();
        let (ready, is_ready) = channel();
        let step = move || {
            let mut home = Home::here();
            let mut bytes = [0; 4];
            ready.send(()).unwrap();
            stream.read_exact(&mut bytes).unwrap();
            home.waited();
            assert_eq!(&bytes, b"ping");
            ready.send(()).unwrap();
            while stream.wait_ready() != Ready::Woken {}
            home.waited();
            stream
        };
        let (send, receive) = channel();
        if turn == 9 {
            thread::spawn(move || send.send(step()).unwrap());
        } else {
            Builder::new().worker(turn).spawn(move || send.send(step()).unwrap()).unwrap();
        }
        is_ready.recv().unwrap();
        thread::sleep(Duration::from_millis(10));
        peer.write_all(b"ping").unwrap();
        is_ready.recv().unwrap();
        thread::sleep(Duration::from_millis(10));
        waker.wake();
        stream = receive.recv_timeout(Duration::from_secs(10)).unwrap();
    }
    spawn(move || drop(stream)).join().unwrap();
    assert_eq!(peer.read(&mut [0; 1]).unwrap(), 0);
}
