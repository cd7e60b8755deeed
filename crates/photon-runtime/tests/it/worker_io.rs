//! Sockets of tokio that belong to a worker: woken on it, usable from anywhere, harmless when dropped.

use std::future::Future;
use std::io::{Read, Write};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use photon_runtime::{Builder, Wait, sleep, spawn, worker_io};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::{runtime, thread_id};

/// A server that answers every byte with the next one, a little later.
fn counting_server() -> std::net::SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            thread::spawn(move || {
                let mut byte = [0];
                while stream.read(&mut byte).is_ok_and(|read| read == 1) {
                    thread::sleep(Duration::from_micros(200));
                    byte[0] = byte[0].wrapping_add(1);
                    if stream.write_all(&byte).is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

/// Notes on which thread a waker is called.
struct Spy {
    waker: Mutex<Option<Waker>>,
    woken_on: AtomicI32,
}

impl Wake for Spy {
    fn wake(self: Arc<Self>) {
        self.woken_on.store(thread_id(), Ordering::SeqCst);
        if let Some(waker) = self.waker.lock().unwrap().take() {
            waker.wake();
        }
    }
}

struct Watched<'a, F> {
    future: Pin<&'a mut F>,
    spy: Arc<Spy>,
}

impl<F: Future> Future for Watched<'_, F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        *self.spy.waker.lock().unwrap() = Some(context.waker().clone());
        let waker = Waker::from(Arc::clone(&self.spy));
        self.future.as_mut().poll(&mut Context::from_waker(&waker))
    }
}

async fn exchange(stream: &mut TcpStream, byte: u8) -> u8 {
    let mut answer = [0];
    stream.write_all(&[byte]).await.unwrap();
    stream.read_exact(&mut answer).await.unwrap();
    answer[0]
}

fn exchange_watched(stream: &mut TcpStream) -> i32 {
    let spy = Arc::new(Spy { waker: Mutex::new(None), woken_on: AtomicI32::new(0) });
    let answer = Watched { future: pin!(exchange(stream, 7)), spy: Arc::clone(&spy) }.wait();
    assert_eq!(answer, 8);
    spy.woken_on.load(Ordering::SeqCst)
}

#[test]
fn a_socket_is_woken_on_its_worker() {
    runtime();
    let address = counting_server();
    for worker in 0..2 {
        let woken = Builder::new().worker(worker).spawn(move || {
            let mut ours = worker_io(TcpStream::connect(address)).wait().unwrap();
            let mut tokios = TcpStream::connect(address).wait().unwrap();
            (thread_id(), exchange_watched(&mut ours), exchange_watched(&mut tokios))
        });
        let (own, ours, tokios) = woken.unwrap().join().unwrap();
        assert_eq!(ours, own);
        // What the test can tell apart.
        assert_ne!(tokios, own);
    }
}

#[test]
fn many_exchanges_on_all_workers() {
    runtime();
    let address = counting_server();
    let connections: Vec<_> = (0..32)
        .map(|n: u8| {
            let exchanges = move || {
                let mut stream = worker_io(TcpStream::connect(address)).wait().unwrap();
                (0..50).for_each(|_| assert_eq!(exchange(&mut stream, n).wait(), n + 1));
            };
            Builder::new().worker(n.into()).spawn(exchanges).unwrap()
        })
        .collect();
    connections.into_iter().for_each(|connection| connection.join().unwrap());
}

#[test]
fn a_socket_works_away_from_its_worker() {
    runtime();
    let address = counting_server();
    let opened =
        Builder::new().worker(0).spawn(move || worker_io(TcpStream::connect(address)).wait().unwrap());
    let mut stream = opened.unwrap().join().unwrap();
    assert_eq!(exchange(&mut stream, 1).wait(), 2);
    let elsewhere = Builder::new().worker(1).spawn(move || {
        assert_eq!(exchange(&mut stream, 2).wait(), 3);
        stream
    });
    let mut stream = elsewhere.unwrap().join().unwrap();
    let task = tokio_task(async move { exchange(&mut stream, 3).await });
    assert_eq!(task, 4);
}

/// Runs a future as a task on tokio's own thread.
fn tokio_task<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> T {
    async { tokio::spawn(future).await.unwrap() }.wait()
}

#[test]
fn a_plain_thread_opens_sockets_as_well() {
    runtime();
    let address = counting_server();
    let mut stream = worker_io(TcpStream::connect(address)).wait().unwrap();
    assert_eq!(exchange(&mut stream, 1).wait(), 2);
}

#[test]
fn timers_and_tasks_of_others_are_not_disturbed() {
    runtime();
    let address = counting_server();
    spawn(move || {
        let stream = worker_io(TcpStream::connect(address)).wait().unwrap();
        // The context around a poll is the usual one again.
        tokio::time::sleep(Duration::from_millis(1)).wait();
        assert_eq!(async { tokio::spawn(async { 5 }).await.unwrap() }.wait(), 5);
        drop(stream);
        sleep(Duration::from_millis(1));
    })
    .join()
    .unwrap();
}
