//! Spawning, joining, sleeping, waiting.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use photon_runtime::net::{TcpListener, TcpStream};
use photon_runtime::{Wait, sleep, spawn};

use crate::runtime;

#[test]
fn smoke() {
    runtime();
    let start = Instant::now();
    let h = spawn(|| {
        sleep(Duration::from_millis(20));
        async { tokio::time::sleep(Duration::from_millis(10)).await }.wait();
        7
    });
    assert_eq!(h.join().unwrap(), 7);
    assert!(start.elapsed() >= Duration::from_millis(30));
    let l = TcpListener::bind("127.0.0.1:0").unwrap();
    let a = l.local_addr();
    let server = spawn(move || {
        for _ in 0..8 {
            l.accept()
                .unwrap()
                .spawn(|mut s| {
                    let mut b = [0; 100];
                    loop {
                        let n = s.read(&mut b).unwrap();
                        if n == 0 {
                            break;
                        }
                        s.write_all(&b[..n]).unwrap();
                    }
                })
                .unwrap();
        }
    });
    let cs: Vec<_> = (0..8)
        .map(|_| {
            spawn(move || {
                let mut s = TcpStream::connect(a).unwrap();
                for _ in 0..100 {
                    s.write_all(b"hello").unwrap();
                    let mut b = [0; 5];
                    s.read_exact(&mut b).unwrap();
                    assert_eq!(&b, b"hello");
                }
            })
        })
        .collect();
    for c in cs {
        c.join().unwrap()
    }
    server.join().unwrap();
}
