//! `.wait()` on futures of every kind, from coroutines and threads.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use photon_runtime::net::TcpStream;
use photon_runtime::sync::Mutex;
use photon_runtime::{Wait, blocking, sleep, spawn, yield_now};

use crate::runtime;

fn message(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_default()
}

#[test]
fn a_future_may_borrow_and_need_not_be_send() {
    runtime();
    let body = || {
        let count = Rc::new(Cell::new(0));
        let mut text = String::from("a");
        async {
            for _ in 0..3 {
                tokio::task::yield_now().await;
                tokio::time::sleep(Duration::from_millis(1)).await;
                count.set(count.get() + 1);
                text.push('b');
            }
        }
        .wait();
        assert_eq!((count.get(), text.as_str()), (3, "abbb"));
    };
    spawn(body).join().unwrap();
    body();
}

#[test]
fn tokio_values_may_be_made_and_dropped_outside_of_a_poll() {
    runtime();
    spawn(|| {
        // The very first use on this coroutine: created, polled once, dropped outside.
        let mut timer = Box::pin(tokio::time::sleep(Duration::from_secs(60)));
        assert!(timer.as_mut().wait_timeout(Duration::from_millis(1)).is_err());
        drop(timer);
        drop(SpawnsWhenDropped);
        let listener = async { tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap() }.wait();
        drop(listener);
        // And while unwinding, where a second panic would abort.
        let panic = catch_unwind(|| {
            let _guard = SpawnsWhenDropped;
            let _timer = tokio::time::interval(Duration::from_secs(1));
            panic!("expected");
        });
        assert_eq!(message(&*panic.unwrap_err()), "expected");
    })
    .join()
    .unwrap();
    blocking(|| drop(Box::new(1)));
    spawn(|| blocking(|| drop(SpawnsWhenDropped))).join().unwrap();
}

/// What a connection pool does with a connection that is given back.
struct SpawnsWhenDropped;

impl Drop for SpawnsWhenDropped {
    fn drop(&mut self) {
        tokio::spawn(async {});
    }
}

#[test]
fn a_nested_wait_is_a_clear_panic() {
    runtime();
    type Nested = fn();
    let cases: [(&str, Nested); 6] = [
        (".wait()", || async {}.wait()),
        ("sleep", || sleep(Duration::from_millis(1))),
        ("yield_now", yield_now),
        ("blocking", || blocking(|| ())),
        (".wait()", || {
            let lock = Mutex::new(());
            let _guard = lock.lock();
            let _ = lock.lock();
        }),
        ("a wait for a socket", || {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let stream = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            TcpStream::from_std(stream).unwrap().wait_ready();
        }),
    ];
    spawn(move || {
        for (name, nested) in cases {
            let panic = catch_unwind(|| async { nested() }.wait()).unwrap_err();
            let message = message(&*panic);
            assert!(
                message.contains(&format!("{name} was called while a future is being polled")),
                "{message}"
            );
            // The coroutine is as good as before.
            sleep(Duration::from_millis(1));
            assert_eq!(async { 1 }.wait(), 1);
        }
    })
    .join()
    .unwrap();
    let panic = catch_unwind(|| async { async {}.wait() }.wait()).unwrap_err();
    assert!(message(&*panic).contains("while a future is being polled"));
    assert_eq!(async { 1 }.wait(), 1);
}

#[test]
fn a_wait_that_blocks_tokio_is_a_panic() {
    runtime();
    let task = spawn(|| async { tokio::spawn(async { async {}.wait() }).await }.wait()).join().unwrap();
    assert!(message(&*task.unwrap_err().into_panic()).contains("runtime"));
}

/// Waits when it is dropped, which during unwinding must not give the thread away.
struct WaitsWhenDropped<'a>(&'a Cell<u32>);

impl Drop for WaitsWhenDropped<'_> {
    fn drop(&mut self) {
        async { tokio::time::sleep(Duration::from_millis(20)).await }.wait();
        sleep(Duration::from_millis(1));
        yield_now();
        blocking(|| ());
        self.0.set(self.0.get() + 1);
    }
}

#[test]
fn a_destructor_that_waits_while_unwinding_blocks_its_thread_and_nothing_else() {
    runtime();
    let on_worker = |f: fn()| photon_runtime::Builder::new().worker(0).spawn(f).unwrap();
    let unwinding = on_worker(|| {
        let dropped = Cell::new(0);
        let panic = catch_unwind(AssertUnwindSafe(|| {
            let _guard = WaitsWhenDropped(&dropped);
            panic!("expected");
        }));
        assert!(panic.is_err());
        assert_eq!(dropped.get(), 1);
        assert!(!std::thread::panicking());
        sleep(Duration::from_millis(1));
    });
    // Others on that worker never see a panicking thread.
    let others: Vec<_> = (0..20)
        .map(|_| {
            on_worker(|| {
                for _ in 0..20 {
                    assert!(!std::thread::panicking());
                    sleep(Duration::from_millis(1));
                }
            })
        })
        .collect();
    unwinding.join().unwrap();
    others.into_iter().for_each(|other| other.join().unwrap());
}

#[test]
fn nothing_parks_inside_a_poll_even_to_be_fair() {
    runtime();
    let (mut peer, stream) = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let peer = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (peer, listener.accept().unwrap().0)
    };
    std::io::Write::write_all(&mut peer, &[0; 2000]).unwrap();
    photon_runtime::Builder::new()
        .worker(0)
        .spawn(move || {
            let turns = Rc::new(Cell::new(0));
            photon_runtime::Builder::new()
                .worker(0)
                .spawn(|| OTHER_TURNS.with(|other| other.set(1)))
                .unwrap();
            let mut stream = TcpStream::from_std(stream).unwrap();
            OTHER_TURNS.with(|other| other.set(0));
            async {
                for _ in 0..2000 {
                    std::io::Read::read_exact(&mut stream, &mut [0]).unwrap();
                }
                turns.set(OTHER_TURNS.with(Cell::get));
            }
            .wait();
            assert_eq!(turns.get(), 0);
        })
        .unwrap()
        .join()
        .unwrap();
    // The control: outside of a poll others do get their turns.
    let others = photon_runtime::Builder::new().worker(0).spawn(|| {
        photon_runtime::Builder::new().worker(0).spawn(|| OTHER_TURNS.with(|other| other.set(1))).unwrap();
        for n in 0..100_000 {
            async { n }.wait();
        }
        OTHER_TURNS.with(Cell::get)
    });
    assert_eq!(others.unwrap().join().unwrap(), 1);
}

thread_local! {
    static OTHER_TURNS: Cell<u32> = const { Cell::new(0) };
}

#[test]
fn a_destructor_that_waits_may_unwind_out_of_a_poll() {
    runtime();
    spawn(|| {
        let dropped = Cell::new(0);
        let panic = catch_unwind(AssertUnwindSafe(|| {
            async {
                let _guard = WaitsWhenDropped(&dropped);
                panic!("expected");
            }
            .wait();
        }));
        assert_eq!((message(&*panic.unwrap_err()).as_str(), dropped.get()), ("expected", 1));
        sleep(Duration::from_millis(1));
    })
    .join()
    .unwrap();
}

/// Ready after a number of polls, each of which wakes itself.
struct Busy(u32);

impl Future for Busy {
    type Output = ();
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.0 -= 1;
        context.waker().wake_by_ref();
        if self.0 == 0 { Poll::Ready(()) } else { Poll::Pending }
    }
}

#[test]
fn a_future_that_wakes_itself_makes_progress() {
    runtime();
    let start = Instant::now();
    spawn(|| Busy(10_000).wait()).join().unwrap();
    Busy(10_000).wait();
    assert!(start.elapsed() < Duration::from_secs(10));
}
