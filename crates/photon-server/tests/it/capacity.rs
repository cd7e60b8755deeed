//! More connections than there is room for, and addresses that are taken.

use std::io::{BufRead, BufReader, Read};
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use photon_server::{BindError, Server, ServerConfig};

use crate::child;
use crate::support::{Client, get, start};

#[test]
fn rfc9110_15_6_4_connections_beyond_the_cap_are_told_503() {
    let server = start(ServerConfig { max_connections: Some(3), ..ServerConfig::default() });
    let mut inside: Vec<_> = (0..3).map(|_| server.client()).collect();
    for client in &mut inside {
        client.send(get("/"));
        client.answer();
    }
    for _ in 0..5 {
        let mut outside = server.client();
        outside.send(get("/"));
        let answer = outside.answer();
        assert_eq!((answer.status, answer.text()), (503, r#"{"detail":"Service Unavailable"}"#));
        assert_eq!((answer.field("retry-after"), answer.field("connection")), (Some("1"), Some("close")));
        outside.expect_close();
    }
    drop(inside.pop());
    while server.handle.connections() > 2 {
        sleep(Duration::from_millis(5));
    }
    assert_eq!(server.ask(get("/")).text(), "hello");
    for client in &mut inside {
        client.send(get("/"));
        assert_eq!(client.answer().text(), "hello");
    }
    server.stop();
}

#[test]
fn a_thousand_connections_are_served_at_once() {
    let server = start(ServerConfig::default());
    let mut clients: Vec<_> = (0..1000).map(|_| server.client()).collect();
    for _ in 0..2 {
        for client in &mut clients {
            client.send(get("/target"));
        }
        for client in &mut clients {
            assert_eq!(client.answer().text(), "/target");
        }
    }
    assert_eq!(server.handle.connections(), 1000);
    assert_eq!(server.stop().connections_cut, 0);
}

#[test]
fn connections_are_accepted_while_a_handler_computes() {
    const TEST: &str = "capacity::connections_are_accepted_while_a_handler_computes";
    // Alone, because other tests compute on its workers as well.
    if !child::is_child(TEST) {
        return child::succeeds(TEST);
    }
    photon_runtime::start(photon_runtime::Settings { workers: 2, ..Default::default() }).unwrap();
    let server = start(ServerConfig::default());
    for _ in 0..4 {
        // On whichever worker: the next one goes elsewhere.
        let mut computing = server.client();
        computing.send(get("/compute/1500000"));
        sleep(Duration::from_millis(50));
        let start = Instant::now();
        for _ in 0..10 {
            assert_eq!(server.ask(get("/target")).text(), "/target");
        }
        assert!(start.elapsed() < Duration::from_millis(1200), "{:?}", start.elapsed());
        assert_eq!(computing.answer().status, 200);
    }
    server.stop();
}

#[test]
fn rfc9110_15_6_4_a_client_is_told_503_if_there_can_be_no_coroutine() {
    const TEST: &str = "capacity::rfc9110_15_6_4_a_client_is_told_503_if_there_can_be_no_coroutine";
    if !child::is_child(TEST) {
        return child::succeeds(TEST);
    }
    let settings = photon_runtime::Settings { workers: 2, stack_size: 64 * 1024, ..Default::default() };
    photon_runtime::start(settings).unwrap();
    let server = start(ServerConfig { max_connections: Some(usize::MAX), ..ServerConfig::default() });
    let mut busy: Vec<_> = (0..2 * photon_runtime::workers()).map(|_| server.client()).collect();
    for client in &mut busy {
        client.send(get("/"));
        assert_eq!(client.answer().text(), "hello");
    }
    let gate = Arc::new(photon_runtime::sync::Notify::new());
    let park = || {
        let gate = Arc::clone(&gate);
        photon_runtime::try_spawn(move || gate.wait())
    };
    // Until there are none left, those of connections that have just ended included.
    let mut refusals = 0;
    while refusals < 20 {
        if park().is_err() {
            refusals += 1;
            sleep(Duration::from_millis(5));
        }
    }
    let expect_503 = || {
        for _ in 0..3 {
            let mut client = server.client();
            client.send(get("/"));
            let answer = client.answer();
            assert_eq!((answer.status, answer.text()), (503, r#"{"detail":"Service Unavailable"}"#));
            assert_eq!((answer.field("retry-after"), answer.field("connection")), (Some("1"), Some("close")));
            client.expect_close();
        }
    };
    expect_503();
    // Also when those that could take over wait themselves.
    for client in &mut busy {
        client.send(get("/slow/3000"));
    }
    sleep(Duration::from_millis(200));
    let start = Instant::now();
    expect_503();
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    for client in &mut busy {
        assert_eq!(client.answer().text(), "slow");
    }
    while photon_runtime::live_coroutines() > 0 {
        gate.notify_all();
        sleep(Duration::from_millis(5));
    }
    // The listener makes a pause after what it could not do.
    assert_eq!(server.ask(get("/")).text(), "hello");
    server.stop();
}

#[test]
fn a_server_stops_although_there_can_be_no_coroutine() {
    const TEST: &str = "capacity::a_server_stops_although_there_can_be_no_coroutine";
    if !child::is_child(TEST) {
        return child::succeeds(TEST);
    }
    let settings = photon_runtime::Settings { workers: 2, stack_size: 64 * 1024, ..Default::default() };
    photon_runtime::start(settings).unwrap();
    let config = ServerConfig { drain_deadline: Duration::from_millis(300), ..ServerConfig::default() };
    let server = start(ServerConfig { max_connections: Some(usize::MAX), ..config });
    let mut busy: Vec<_> = (0..2 * photon_runtime::workers()).map(|_| server.client()).collect();
    for client in &mut busy {
        client.send(get("/"));
        assert_eq!(client.answer().text(), "hello");
    }
    while photon_runtime::try_spawn(sleep_for_long).is_ok() {}
    for client in &mut busy {
        client.send(get("/slow/60000"));
    }
    sleep(Duration::from_millis(200));
    let start = Instant::now();
    let report = server.stop();
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    assert_eq!(report.connections_cut, busy.len());
}

fn sleep_for_long() {
    photon_runtime::sleep(Duration::from_secs(60));
}

#[test]
fn a_server_without_connections_sleeps() {
    const TEST: &str = "capacity::a_server_without_connections_sleeps";
    if !child::is_child(TEST) {
        return child::succeeds(TEST);
    }
    let server = start(ServerConfig::default());
    for _ in 0..2 {
        sleep(Duration::from_millis(300));
        let before = waits();
        sleep(Duration::from_millis(1000));
        let more = waits() - before;
        assert!(more < 15, "{more} waits in a second");
        // Nor does it stay awake after one.
        let mut client = server.client();
        client.send(get("/close"));
        assert_eq!(client.answer().text(), "bye");
        drop(client);
        server.expect_no_connections("one");
    }
    server.stop();
}

/// How often the threads of this process have waited.
fn waits() -> u64 {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let waits = |status: String| {
        let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        line.and_then(|count| count.trim().parse::<u64>().ok())
    };
    tasks
        .filter_map(|task| std::fs::read_to_string(task.unwrap().path().join("status")).ok())
        .filter_map(waits)
        .sum()
}

#[test]
fn rfc9110_15_6_4_bodies_beyond_the_memory_for_them_are_told_503() {
    // Two bodies of this size, of which each occupies a mebibyte, are too much.
    let server = start(ServerConfig { max_body_memory: Some(3 << 19), ..ServerConfig::default() });
    let head = "POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 900000\r\n\r\n";
    for _ in 0..3 {
        let mut first = server.client();
        first.send(head);
        first.send(vec![b'x'; 800_000]);
        sleep(Duration::from_millis(100));
        let mut second = server.client();
        second.send(head);
        // A promise alone takes next to nothing.
        sleep(Duration::from_millis(50));
        assert!(second.is_quiet());
        second.try_send(vec![b'x'; 900_000]).unwrap();
        let answer = second.answer();
        assert_eq!((answer.status, answer.text()), (503, r#"{"detail":"Service Unavailable"}"#));
        assert_eq!((answer.field("retry-after"), answer.field("connection")), (Some("1"), Some("close")));
        second.expect_close();
        assert_eq!(server.ask(get("/")).text(), "hello");
        first.send(vec![b'x'; 100_000]);
        assert_eq!(first.answer().text(), "900000");
        // What was given back serves the next.
        first.send(head);
        first.send(vec![b'x'; 900_000]);
        assert_eq!(first.answer().text(), "900000");
    }
    server.stop();
}

/// The processor time that a process has used, in hundredths of a second.
fn processor_time(process: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    // After the name, which may hold anything, the state is the first field.
    let fields: Vec<&str> = stat[stat.rfind(')').unwrap() + 2..].split(' ').collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

#[test]
fn a_server_without_descriptors_waits_for_some() {
    const TEST: &str = "capacity::a_server_without_descriptors_waits_for_some";
    if child::is_child(TEST) {
        let server = start(ServerConfig { max_connections: Some(1000), ..ServerConfig::default() });
        eprintln!("serves at {}", server.address);
        let _ = std::io::stdin().read(&mut [0]);
        server.stop();
        return;
    }
    let mut child = child::start(TEST, "ulimit -n 64; exec \"$@\"");
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let address = lines.find_map(|line| Some(line.unwrap().strip_prefix("serves at ")?.parse().unwrap()));
    let address = address.expect("the child does not serve");
    let mut clients: Vec<_> = (0..100).map(|_| Client::connect(address)).collect();
    clients[0].send(get("/"));
    assert_eq!(clients[0].answer().text(), "hello");
    sleep(Duration::from_millis(200));
    let before = processor_time(child.id());
    sleep(Duration::from_millis(500));
    let used = processor_time(child.id()) - before;
    assert!(used < 5, "{used}0 ms of processor time in half a second");
    assert!(clients[99].is_quiet());
    // Those that were served make room for those that wait.
    clients[99].send(get("/target"));
    clients.drain(..60);
    assert_eq!(clients.last_mut().unwrap().answer().text(), "/target");
    drop(clients);
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_taken_address_is_an_error_that_names_it() {
    let server = start(ServerConfig::default());
    let address = server.address.to_string();
    let Err(error) = Server::bind(&*address) else { panic!("bound twice") };
    assert!(matches!(&error, BindError::Listen(source) if source.kind() == std::io::ErrorKind::AddrInUse));
    assert!(error.to_string().contains(&address), "{error}");
    server.stop();
    // Once it is free, it can be bound again at once.
    drop(Server::bind(&*address).unwrap());
}

#[test]
fn what_is_no_address_is_an_error_that_names_it() {
    for address in ["127.0.0.1", "127.0.0.1:port", "127.0.0.1:99999"] {
        let Err(error) = Server::bind(address) else { panic!("bound {address}") };
        assert!(error.to_string().contains(address), "{error}");
    }
}
