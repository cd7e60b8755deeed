//! Where a server listens: several addresses, Unix sockets, inherited sockets, a port that two servers share.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use photon_server::{BindError, ListenAddr, Server, ServerConfig};

use crate::child;
use crate::support::{get, run};

/// A path in a directory of its own.
fn socket_path(name: &str) -> PathBuf {
    let directory = std::env::temp_dir().join(format!("photon-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    directory.join("s")
}

/// Sends a request and reads the answer, which must have come whole.
fn exchange(stream: &mut (impl Read + Write), path: &str) -> std::io::Result<String> {
    stream.write_all(get(path).as_bytes())?;
    let (mut received, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let count = stream.read(&mut buffer)?;
        if count == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        received.extend_from_slice(&buffer[..count]);
        let text = String::from_utf8_lossy(&received);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            if body.len() == length.parse::<usize>().unwrap() {
                return Ok(text.into_owned());
            }
        }
    }
}

#[test]
fn one_server_listens_on_several_addresses() {
    let path = socket_path("several");
    let unix = format!("unix:{}", path.display());
    let addresses = ["127.0.0.1:0", &unix, "[::1]:0"];
    let server = Server::bind_all(addresses, ServerConfig::default()).unwrap();
    let listening = server.addresses();
    let server = run(server);
    for address in &listening {
        match address {
            ListenAddr::Tcp(tcp) => {
                let mut stream = TcpStream::connect(tcp).unwrap();
                let expected = format!("Some({})", stream.local_addr().unwrap());
                assert!(exchange(&mut stream, "/peer").unwrap().ends_with(&expected), "{address}");
            }
            ListenAddr::Unix(path) => {
                let mut stream = UnixStream::connect(path).unwrap();
                for _ in 0..20 {
                    assert!(exchange(&mut stream, "/peer").unwrap().ends_with("None"), "{address}");
                }
                let long = format!("/target/{}", "x".repeat(7000));
                assert!(exchange(&mut stream, &long).unwrap().ends_with(&long));
            }
        }
    }
    assert_eq!(listening[1].to_string(), unix);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);
    // Both kinds of connection end with the server, and so does the file.
    let mut idle = UnixStream::connect(&path).unwrap();
    exchange(&mut idle, "/").unwrap();
    assert_eq!(server.stop().connections_cut, 0);
    assert_eq!(idle.read(&mut [0]).unwrap(), 0);
    assert!(!path.exists());
}

#[test]
fn a_unix_socket_is_replaced_only_if_nobody_listens_on_it() {
    let path = socket_path("stale");
    let address = format!("unix:{}", path.display());
    let bind = || Server::bind(&address);
    let refused = |result: Result<Server, BindError>| result.err().map(|error| error.to_string());
    let living = UnixListener::bind(&path).unwrap();
    let error = refused(bind()).unwrap();
    assert!(error.contains(path.to_str().unwrap()) && error.contains("already in use"), "{error}");
    drop(living);
    let server = bind().unwrap();
    drop(server);
    assert!(!path.exists());
    std::fs::write(&path, "precious").unwrap();
    let error = refused(bind()).unwrap();
    assert!(error.contains("no socket"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), b"precious");
    // A socket that has come in its place is somebody else's.
    std::fs::remove_file(&path).unwrap();
    let server = bind().unwrap();
    std::fs::remove_file(&path).unwrap();
    let other = UnixListener::bind(&path).unwrap();
    drop(server);
    assert!(path.exists());
    drop(other);
}

#[test]
fn addresses_that_are_none_are_errors() {
    let none: [&str; 0] = [];
    assert!(matches!(Server::bind_all(none, ServerConfig::default()), Err(BindError::Nowhere)));
    for address in ["nonsense", "127.0.0.1", "127.0.0.1:99999", "unix:/nowhere/at/all", "unix:"] {
        let error = Server::bind(address).map(|_| ()).unwrap_err().to_string();
        assert!(!error.is_empty(), "{address}");
    }
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    for config in [ServerConfig::default(), ServerConfig { reuse_port: true, ..ServerConfig::default() }] {
        let error = Server::bind_with(address, config).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains("already in use") && error.contains(&address.to_string()), "{error}");
    }
}

#[test]
fn sockets_of_the_service_manager_are_taken_over() {
    const TEST: &str = "places::sockets_of_the_service_manager_are_taken_over";
    if child::is_child(TEST) {
        let server = Server::inherited(ServerConfig::default()).unwrap().unwrap();
        assert_eq!(server.addresses().len(), 2);
        // They are taken once.
        assert!(Server::inherited(ServerConfig::default()).unwrap().is_none());
        let server = run(server);
        std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
        assert_eq!(server.stop().connections_cut, 0);
        return;
    }
    let path = socket_path("inherited");
    let (tcp, unix) = (TcpListener::bind("127.0.0.1:0").unwrap(), UnixListener::bind(&path).unwrap());
    socket2::SockRef::from(&tcp).set_cloexec(false).unwrap();
    socket2::SockRef::from(&unix).set_cloexec(false).unwrap();
    // The shell's number stays that of the program that it becomes. Plain sh has no descriptors of two digits.
    let script = format!(
        "exec bash -c 'exec 8<&{} 9<&{}; exec 3<&8 4<&9 8<&- 9<&-; export LISTEN_FDS=2 LISTEN_PID=$$; exec \"$@\"' \
         bash \"$@\"",
        tcp.as_raw_fd(),
        unix.as_raw_fd()
    );
    let mut child = child::start(TEST, &script);
    // Whoever connects before it serves waits in the queue.
    let mut stream = TcpStream::connect(tcp.local_addr().unwrap()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let first = exchange(&mut stream, "/");
    if first.is_err() {
        let output = child.wait_with_output().unwrap();
        panic!("{first:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    assert!(first.unwrap().ends_with("hello"));
    assert!(exchange(&mut UnixStream::connect(&path).unwrap(), "/").unwrap().ends_with("hello"));
    drop(child.stdin.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // The sockets are still there for the next process.
    assert!(path.exists() && TcpStream::connect(tcp.local_addr().unwrap()).is_ok());
}

#[test]
fn a_new_server_takes_over_a_port_and_no_request_fails() {
    let config = || ServerConfig { reuse_port: true, ..ServerConfig::default() };
    let mut server = run(Server::bind_with("127.0.0.1:0", config()).unwrap());
    let address = server.address;
    let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let clients: Vec<_> = (0..16)
        .map(|number| {
            // Some stay as long as they may, some come anew for every request.
            let stays = number % 4 > 0;
            let (stop, answered) = (Arc::clone(&stop), Arc::clone(&answered));
            std::thread::spawn(move || {
                let connect = || TcpStream::connect(address).unwrap();
                let mut stream = connect();
                while !stop.load(Ordering::Relaxed) {
                    let answer = exchange(&mut stream, "/target").unwrap();
                    answered.fetch_add(1, Ordering::Relaxed);
                    if !stays || answer.contains("connection: close") {
                        stream = connect();
                    }
                }
            })
        })
        .collect();
    for _ in 0..5 {
        let before = answered.load(Ordering::Relaxed);
        let next = run(Server::bind_with(address, config()).unwrap());
        let old = std::mem::replace(&mut server, next);
        assert_eq!(old.stop().connections_cut, 0);
        let start = Instant::now();
        while answered.load(Ordering::Relaxed) < before + 200 {
            assert!(start.elapsed() < Duration::from_secs(10), "the new server does not answer");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    stop.store(true, Ordering::Relaxed);
    for client in clients {
        client.join().expect("no request fails");
    }
    server.stop();
}
