//! More connections than there is room for, and addresses that are taken.

use std::thread::sleep;
use std::time::Duration;

use photon_server::{BindError, Server, ServerConfig};

use crate::support::{get, start};

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
