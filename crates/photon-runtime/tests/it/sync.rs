//! The primitives between coroutines and threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use photon_runtime::sync::{
    Barrier, Closed, Mutex, Notify, RwLock, Semaphore, broadcast, mpsc, oneshot, watch,
};
use photon_runtime::{Elapsed, sleep, spawn};

use crate::runtime;

#[test]
fn a_lock_may_be_held_over_waits_and_excludes_threads_too() {
    runtime();
    let inside = Arc::new(Mutex::new(AtomicBool::new(false)));
    let body = |inside: Arc<Mutex<AtomicBool>>| {
        move || {
            for _ in 0..10 {
                let guard = inside.lock();
                assert!(!guard.swap(true, Ordering::SeqCst));
                sleep(Duration::from_millis(1));
                guard.store(false, Ordering::SeqCst);
            }
        }
    };
    let coroutines: Vec<_> = (0..5).map(|_| spawn(body(Arc::clone(&inside)))).collect();
    let threads: Vec<_> = (0..2).map(|_| std::thread::spawn(body(Arc::clone(&inside)))).collect();
    coroutines.into_iter().for_each(|one| one.join().unwrap());
    threads.into_iter().for_each(|one| one.join().unwrap());
    assert!(inside.try_lock().is_some());
}

#[test]
fn readers_share_and_writers_exclude() {
    runtime();
    let lock = Arc::new(RwLock::new(0));
    let first = lock.read();
    let theirs = Arc::clone(&lock);
    let writer = spawn(move || *theirs.write() += 1);
    sleep(Duration::from_millis(10));
    assert!(!writer.is_finished());
    drop(first);
    writer.join().unwrap();
    assert_eq!(*lock.read(), 1);
    assert!(lock.try_write().is_some());
}

#[test]
fn a_bounded_queue_holds_its_senders_back() {
    runtime();
    static SENT: AtomicUsize = AtomicUsize::new(0);
    let (sender, mut receiver) = mpsc::channel(2);
    let sending = spawn(move || {
        for n in 0..5 {
            sender.send(n).unwrap();
            SENT.fetch_add(1, Ordering::SeqCst);
        }
    });
    while SENT.load(Ordering::SeqCst) < 2 {
        sleep(Duration::from_millis(1));
    }
    sleep(Duration::from_millis(10));
    assert_eq!(SENT.load(Ordering::SeqCst), 2);
    assert_eq!((0..5).map(|_| receiver.recv().unwrap()).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    sending.join().unwrap();
    assert_eq!(receiver.recv(), None);
    let (sender, receiver) = mpsc::channel(1);
    drop(receiver);
    assert_eq!(sender.send(7).unwrap_err().0, 7);
}

#[test]
fn receiving_gives_up_in_time() {
    runtime();
    let body = || {
        let wait = Duration::from_millis(5);
        let (sender, mut receiver) = mpsc::unbounded::<u8>();
        assert_eq!(receiver.recv_timeout(wait), Err(Elapsed));
        sender.send(1).unwrap();
        assert_eq!((receiver.recv_timeout(wait), receiver.try_recv()), (Ok(Some(1)), None));
        let (sender, mut receiver) = oneshot::channel();
        assert_eq!(receiver.recv_timeout(wait), Err(Elapsed));
        sender.send(2).unwrap();
        assert_eq!(receiver.recv(), Some(2));
        let (sender, mut receiver) = broadcast::channel(4);
        assert_eq!(receiver.recv_timeout(wait), Err(Elapsed));
        sender.send(3).unwrap();
        assert_eq!(receiver.recv(), Ok(3));
        let (sender, mut receiver) = watch::channel(0);
        assert_eq!(receiver.changed_timeout(wait), Err(Elapsed));
        sender.send(4).unwrap();
        assert_eq!((receiver.changed_timeout(wait), *receiver.borrow()), (Ok(true), 4));
        assert_eq!(Notify::new().wait_timeout(wait), Err(Elapsed));
        let semaphore = Semaphore::new(0);
        assert_eq!(semaphore.acquire_timeout(wait).unwrap_err(), Elapsed);
        semaphore.close();
        assert_eq!(semaphore.acquire().unwrap_err(), Closed);
    };
    spawn(body).join().unwrap();
    body();
}

#[test]
fn a_broadcast_reaches_everybody_and_says_what_was_missed() {
    runtime();
    let (sender, receiver) = broadcast::channel(2);
    let mut receivers: Vec<_> = (0..3).map(|_| broadcast::Receiver::new(&sender)).collect();
    receivers.push(receiver);
    let listening: Vec<_> = receivers
        .into_iter()
        .map(|mut receiver| {
            spawn(move || {
                sleep(Duration::from_millis(20));
                let missed = receiver.recv();
                (missed, receiver.recv(), receiver.recv(), receiver.recv())
            })
        })
        .collect();
    (1..=3).for_each(|n| drop(sender.send(n)));
    drop(sender);
    for one in listening {
        let (missed, second, third, end) = one.join().unwrap();
        assert_eq!(missed, Err(broadcast::RecvError::Lagged(1)));
        assert_eq!((second, third, end), (Ok(2), Ok(3), Err(broadcast::RecvError::Closed)));
    }
}

#[test]
fn a_barrier_has_one_leader() {
    runtime();
    let barrier = Arc::new(Barrier::new(4));
    let wait = |barrier: Arc<Barrier>| spawn(move || barrier.wait());
    let all: Vec<_> = (0..4).map(|_| wait(Arc::clone(&barrier))).collect();
    assert_eq!(all.into_iter().map(|one| usize::from(one.join().unwrap())).sum::<usize>(), 1);
}
