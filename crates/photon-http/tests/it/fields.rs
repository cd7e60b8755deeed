//! The fields of a message, and the blocks that they are kept in.

use photon_http::{Headers, InvalidHeader};

#[test]
fn a_block_that_is_used_again_holds_nothing_of_the_message_before() {
    for number in 0..50 {
        let mut headers = Headers::new();
        assert!(headers.is_empty());
        assert!(!headers.remove("x-secret") && headers.get("x-secret").is_none());
        headers.append("x-number", number.to_string());
        assert_eq!(headers.iter().count(), 1);
        assert_eq!(headers.get("x-number"), Some(number.to_string().as_str()));
        headers.append("x-secret", "s".repeat(number * 50));
        assert_eq!(headers.len(), 2);
    }
}

#[test]
fn many_messages_at_once_have_their_own_fields() {
    let mut messages: Vec<Headers> = Vec::new();
    for number in 0..100 {
        let mut headers = Headers::new();
        headers.append("x", number.to_string());
        messages.push(headers.clone());
    }
    messages.retain(|headers| headers.get("x").is_some_and(|x| x.len() == 2));
    for (number, headers) in (10..).zip(&messages) {
        assert_eq!(headers.get("x"), Some(number.to_string().as_str()));
    }
    assert_eq!(messages.len(), 90);
}

#[test]
fn clearing_and_replacing() {
    let mut headers = Headers::new();
    headers.insert("a", "1");
    headers.append("A", "2");
    headers.append("b", "3");
    headers.insert("a", "4");
    assert_eq!(headers.iter().collect::<Vec<_>>(), [("b", &b"3"[..]), ("a", b"4")]);
    assert!(headers.remove("B") && !headers.remove("b"));
    headers.clear();
    assert_eq!((headers.len(), headers.get("a")), (0, None));
}

#[test]
fn rfc9110_5_what_must_not_go_on_the_wire_is_refused_and_changes_nothing() {
    let mut headers = Headers::new();
    for name in ["", "a b", "a:", "\u{e4}", "a\r\nb"] {
        assert_eq!(headers.try_append(name, "x"), Err(InvalidHeader::Name(name.to_owned())));
    }
    for value in ["a\r\nb: c", "\0", "a\nb", "\u{7f}"] {
        let error = InvalidHeader::Value { name: "a".to_owned() };
        assert_eq!(headers.try_insert("a", value), Err(error));
    }
    assert!(headers.is_empty());
}
