//! Event handlers: no coroutine while nothing happens, and nobody kept waiting by one that blocks or computes.

use std::cell::Cell;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use photon_runtime::net::{EventHandler, Ready, StreamWaker, TcpListener, TcpStream, start_handler};
use photon_runtime::sync::Notify;
use photon_runtime::{
    Builder, Wait, coroutine_local, live_coroutines, max_coroutines, sleep, spawn, try_spawn, worker,
};

use crate::{child, runtime};

/// Answers each byte with what `answer` makes of it, which may block.
struct Bytes<F> {
    stream: TcpStream,
    answer: F,
}

impl<F: FnMut(u8) -> u8 + Send + 'static> EventHandler for Bytes<F> {
    fn stream(&mut self) -> &mut TcpStream {
        &mut self.stream
    }

    fn handle(mut self: Box<Self>, _event: Ready) -> Option<Box<dyn EventHandler>> {
        let mut buffer = [0; 64];
        match self.stream.try_read(&mut buffer) {
            Ok(0) => None,
            Ok(count) => {
                let answers: Vec<u8> = buffer[..count].iter().map(|byte| (self.answer)(*byte)).collect();
                self.stream.write_all(&answers).is_ok().then_some(self)
            }
            Err(error) => (error.kind() == ErrorKind::WouldBlock).then_some(self),
        }
    }
}

/// Hands each connection to what `make` makes of it, for as long as the process lives.
fn serve<H: EventHandler>(make: impl Fn(TcpStream) -> H + Send + 'static) -> SocketAddr {
    runtime();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr();
    spawn(move || {
        loop {
            listener.accept().unwrap().handle(&make);
        }
    });
    address
}

fn serve_bytes(answer: impl FnMut(u8) -> u8 + Clone + Send + 'static) -> SocketAddr {
    serve(move |stream| Bytes { stream, answer: answer.clone() })
}

fn connect(address: SocketAddr) -> std::net::TcpStream {
    let client = std::net::TcpStream::connect(address).unwrap();
    client.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    client
}

fn ask(client: &mut std::net::TcpStream, byte: u8) -> u8 {
    client.write_all(&[byte]).unwrap();
    answer(client)
}

fn answer(client: &mut std::net::TcpStream) -> u8 {
    let mut byte = [0];
    client.read_exact(&mut byte).unwrap();
    byte[0]
}

#[test]
fn idle_connections_have_no_coroutine() {
    const TEST: &str = "handlers::idle_connections_have_no_coroutine";
    if !child::is_child(TEST) {
        return child::succeeds(TEST);
    }
    let address = serve_bytes(|byte| byte + 1);
    let before = live_coroutines();
    let mut clients: Vec<_> = (0..300).map(|_| connect(address)).collect();
    for round in 0..3 {
        for client in &mut clients {
            assert_eq!(ask(client, round), round + 1);
        }
        assert_eq!(live_coroutines(), before);
    }
}

#[test]
fn a_handler_that_blocks_keeps_nobody_waiting() {
    let gate = Arc::new(Notify::new());
    let (theirs, blocked) = (Arc::clone(&gate), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&blocked);
    let address = serve_bytes(move |byte| {
        if byte == b'w' {
            counted.fetch_add(1, Ordering::SeqCst);
            theirs.wait();
        }
        byte
    });
    // Far more than there are followers.
    let mut waiting: Vec<_> = (0..400).map(|_| connect(address)).collect();
    waiting.iter_mut().for_each(|client| client.write_all(b"w").unwrap());
    let start = Instant::now();
    while blocked.load(Ordering::SeqCst) < 400 {
        assert!(start.elapsed() < Duration::from_secs(20), "{} of 400 began", blocked.load(Ordering::SeqCst));
        thread::sleep(Duration::from_millis(1));
    }
    let mut others: Vec<_> = (0..20).map(|_| connect(address)).collect();
    for byte in 0..50 {
        for client in &mut others {
            assert_eq!(ask(client, byte), byte);
        }
    }
    gate.notify_all();
    for client in &mut waiting {
        assert_eq!(answer(client), b'w');
        assert_eq!(ask(client, 7), 7);
    }
}

#[test]
fn a_handler_that_computes_keeps_hardly_anybody_waiting() {
    const TEST: &str = "handlers::a_handler_that_computes_keeps_hardly_anybody_waiting";
    if !child::is_child(TEST) {
        return child::succeeds(TEST);
    }
    let (send, served_by) = channel();
    let address = serve_bytes(move |byte| {
        if byte == b'c' {
            // As a computation does, this keeps the thread.
            thread::sleep(Duration::from_secs(3));
        }
        send.send(worker().unwrap()).unwrap();
        byte
    });
    let mut clients: Vec<_> = (0..20).map(|_| connect(address)).collect();
    clients.iter_mut().for_each(|client| assert_eq!(ask(client, 1), 1));
    let homes: Vec<usize> = served_by.try_iter().collect();
    assert!(homes.contains(&0) && homes.contains(&1), "{homes:?}");
    let mut busy = clients.pop().unwrap();
    busy.write_all(b"c").unwrap();
    let start = Instant::now();
    for byte in 0..20 {
        clients.iter_mut().for_each(|client| assert_eq!(ask(client, byte), byte));
    }
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    assert_eq!(answer(&mut busy), b'c');
}

#[test]
fn a_handler_is_told_of_deadlines_wakes_and_the_end() {
    struct Told {
        stream: TcpStream,
        tell: Sender<(Ready, Option<usize>)>,
    }
    impl EventHandler for Told {
        fn stream(&mut self) -> &mut TcpStream {
            &mut self.stream
        }
        fn handle(mut self: Box<Self>, event: Ready) -> Option<Box<dyn EventHandler>> {
            let read = self.stream.try_read(&mut [0; 64]).ok();
            self.stream.set_deadline(match event {
                Ready::Io => Some(Duration::from_millis(60)),
                _ => None,
            });
            self.tell.send((event, read)).unwrap();
            (read != Some(0)).then_some(self)
        }
    }
    let wakers: Arc<Mutex<Vec<StreamWaker>>> = Arc::default();
    let (theirs, (tell, told)) = (Arc::clone(&wakers), channel());
    let address = serve(move |stream| {
        theirs.lock().unwrap().push(stream.waker());
        Told { stream, tell: tell.clone() }
    });
    let mut client = connect(address);
    let next = || {
        // Handlers may be called for nothing.
        let idle = |told: &(Ready, Option<usize>)| *told == (Ready::Io, None);
        told.iter().find(|told| !idle(told)).unwrap()
    };
    for _ in 0..3 {
        client.write_all(b"abc").unwrap();
        assert_eq!(next(), (Ready::Io, Some(3)));
        assert_eq!(next(), (Ready::Deadline, None));
        wakers.lock().unwrap()[0].wake();
        assert_eq!(next(), (Ready::Woken, None));
    }
    client.write_all(b"last").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    let told: Vec<_> = std::iter::from_fn(|| Some(next())).take_while(|told| told.1 != Some(0)).collect();
    let read: usize = told.iter().filter_map(|told| told.1).sum();
    assert_eq!(read, 4, "{told:?}");
    // Nobody is there any more.
    wakers.lock().unwrap()[0].wake();
}

#[test]
fn a_handler_that_panics_ends_its_own_connection() {
    let address = serve_bytes(|byte| {
        assert_ne!(byte, b'p', "expected");
        byte
    });
    let mut other = connect(address);
    for _ in 0..10 {
        let mut client = connect(address);
        client.write_all(b"p").unwrap();
        assert!(matches!(client.read(&mut [0]), Ok(0) | Err(_)));
        assert_eq!(ask(&mut other, 1), 1);
    }
}

#[test]
fn coroutine_locals_are_those_of_one_call() {
    coroutine_local! {
        static CALLS: Cell<u8> = Cell::new(0);
    }
    let address = serve_bytes(|byte| {
        if byte == b'w' {
            sleep(Duration::from_millis(20));
        }
        CALLS.with(|calls| calls.replace(calls.get() + 1))
    });
    let mut clients: Vec<_> = (0..10).map(|_| connect(address)).collect();
    for byte in [b'x', b'w', b'x'] {
        clients.iter_mut().for_each(|client| client.write_all(&[byte]).unwrap());
        clients.iter_mut().for_each(|client| assert_eq!(answer(client), 0));
    }
}

/// A worker that has served sockets alone for a while sleeps in a way of its own; whatever else there is must wake it.
#[test]
fn a_worker_that_serves_sockets_alone_is_woken_by_all_else() {
    const TEST: &str = "handlers::a_worker_that_serves_sockets_alone_is_woken_by_all_else";
    if !child::is_child(TEST) {
        return child::succeeds(TEST);
    }
    let address = serve_bytes(|byte| byte);
    let mut clients: Vec<_> = (0..8).map(|_| connect(address)).collect();
    let mut quiet = || {
        for _ in 0..200 {
            clients.iter_mut().for_each(|client| assert_eq!(ask(client, 1), 1));
        }
    };
    let quick = |what: &str, f: &dyn Fn()| {
        let start = Instant::now();
        f();
        assert!(start.elapsed() < Duration::from_secs(2), "{what}: {:?}", start.elapsed());
    };
    let on = |worker: usize, f: fn()| Builder::new().worker(worker).spawn(f).unwrap().join().unwrap();
    for worker in [0, 1] {
        quiet();
        quick("a coroutine", &|| on(worker, || ()));
        quiet();
        quick("a timer", &|| on(worker, || sleep(Duration::from_millis(5))));
        quiet();
        quick("work on threads", &|| on(worker, || photon_runtime::blocking(|| ())));
        quiet();
        quick("tokio", &|| on(worker, || tokio::time::sleep(Duration::from_millis(5)).wait()));
        let notify = Arc::new(Notify::new());
        let theirs = Arc::clone(&notify);
        let (send, began) = channel();
        let waiting = Builder::new().worker(worker).spawn(move || {
            send.send(()).unwrap();
            theirs.wait();
            // And those that it starts itself.
            spawn(|| sleep(Duration::from_millis(1))).join().unwrap();
        });
        began.recv().unwrap();
        quiet();
        notify.notify_one();
        quick("a wake", &move || {
            while !waiting.as_ref().unwrap().is_finished() {
                thread::sleep(Duration::from_millis(1));
            }
        });
        quiet();
        quick("a connection", &|| assert_eq!(ask(&mut connect(address), 9), 9));
    }
}

#[test]
fn without_room_for_coroutines_handlers_go_on_one_by_one() {
    const TEST: &str = "handlers::without_room_for_coroutines_handlers_go_on_one_by_one";
    if !child::is_child(TEST) {
        return child::succeeds(TEST);
    }
    let settings = photon_runtime::Settings { workers: 2, blocking_threads: 4, stack_size: 64 * 1024 };
    photon_runtime::start(settings).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr();
    let mut clients: Vec<_> = (0..20).map(|_| connect(address)).collect();
    for _ in 0..20 {
        listener.accept().unwrap().handle(|stream| {
            let answer = |byte| {
                if byte == b'w' {
                    sleep(Duration::from_millis(20));
                }
                byte
            };
            Bytes { stream, answer }
        });
    }
    clients.iter_mut().for_each(|client| assert_eq!(ask(client, 1), 1));
    let gate = Arc::new(Notify::new());
    while live_coroutines() < max_coroutines() {
        let gate = Arc::clone(&gate);
        try_spawn(move || gate.wait()).unwrap();
    }
    assert!(try_spawn(|| ()).is_err());
    for byte in [b'x', b'w', b'x', b'w'] {
        clients.iter_mut().for_each(|client| client.write_all(&[byte]).unwrap());
        clients.iter_mut().for_each(|client| assert_eq!(answer(client), byte));
    }
    while live_coroutines() > 0 {
        gate.notify_all();
        thread::sleep(Duration::from_millis(5));
    }
    clients.iter_mut().for_each(|client| assert_eq!(ask(client, b'w'), b'w'));
}

#[test]
fn a_wake_between_two_waits_is_not_lost() {
    struct Woken {
        readiness: TcpStream,
        events: Sender<Ready>,
        calls: usize,
    }
    impl EventHandler for Woken {
        fn stream(&mut self) -> &mut TcpStream {
            &mut self.readiness
        }

        fn handle(mut self: Box<Self>, event: Ready) -> Option<Box<dyn EventHandler>> {
            self.events.send(event).unwrap();
            self.calls += 1;
            if self.calls < 3 {
                // At the first call the socket has no place yet where somebody could be woken.
                self.readiness.waker().wake();
            }
            Some(self)
        }
    }
    runtime();
    // Nobody connects.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (events, seen) = channel();
    start_handler(0, Woken { readiness: listener.readiness().unwrap(), events, calls: 0 });
    let next = || seen.recv_timeout(Duration::from_secs(5)).unwrap();
    assert_eq!([next(), next(), next()], [Ready::Io, Ready::Woken, Ready::Woken]);
    // Each is told once. The socket may be looked at again for no reason.
    while let Ok(event) = seen.recv_timeout(Duration::from_millis(100)) {
        assert_eq!(event, Ready::Io);
    }
}

#[test]
fn a_listener_is_ready_on_another_worker_if_its_own_computes() {
    struct Door {
        listener: TcpListener,
        readiness: TcpStream,
    }
    impl EventHandler for Door {
        fn stream(&mut self) -> &mut TcpStream {
            &mut self.readiness
        }

        fn handle(self: Box<Self>, _event: Ready) -> Option<Box<dyn EventHandler>> {
            while let Ok(incoming) = self.listener.try_accept() {
                let _ = incoming.into_std().write_all(&[1]);
            }
            Some(self)
        }
    }
    let bytes = serve_bytes(|byte| {
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(u64::from(byte)) {}
        byte
    });
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, readiness) = (listener.local_addr(), listener.readiness().unwrap());
    start_handler(0, Door { listener, readiness });
    // Connections that stay go to one worker after the other, so that each of them computes once.
    let mut busy: Vec<_> = (0..photon_runtime::workers()).map(|_| connect(bytes)).collect();
    for client in &mut busy {
        client.write_all(&[1]).unwrap();
        let start = Instant::now();
        assert_eq!(answer(&mut connect(address)), 1);
        assert!(start.elapsed() < Duration::from_millis(700), "{:?}", start.elapsed());
        assert_eq!(answer(client), 1);
    }
}
