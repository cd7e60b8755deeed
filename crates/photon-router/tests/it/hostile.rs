//! Paths and tables made to hurt.

use std::time::{Duration, Instant};

use crate::table::{outcome, router};

// What this guards against takes hours; a busy machine does not.
fn quick<T>(what: &str, run: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = run();
    assert!(start.elapsed() < Duration::from_secs(60), "{what} took {:?}", start.elapsed());
    result
}

#[test]
fn deep_paths() {
    let router = router(&["/{a}/{b}/{c}", "/x/{rest:path}", "/{a}.{b}/{c}", "/end"]);
    for segment in ["/a", "/", "/%61", "/%2F", "/a.b", "/..", "/%"] {
        let path = segment.repeat(100_000);
        let expected = if segment == "/%" { "400" } else { "404" };
        assert_eq!(quick(segment, || outcome(&router, &path)), expected);
    }
    let path = format!("/x{}", "/a".repeat(100_000));
    assert_eq!(quick("rest", || outcome(&router, &path)), format!("/x/{{rest:path}} rest={}", &path[3..]));
}

#[test]
fn backtracking_is_bounded_by_the_table() {
    // Two choices per segment and no end: 2^40 ways if every one of them were walked anew.
    let mut table = vec![String::from("/end")];
    for depth in 1..=40 {
        table.push(format!("{}/z{depth}", params(depth)));
        table.push(format!("{}/y{depth}", "/a".repeat(depth)));
    }
    let router = router(&table.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(quick("backtracking", || outcome(&router, &"/a".repeat(41))), "404");
    assert_eq!(outcome(&router, &format!("{}/y40", "/a".repeat(40))), format!("{}/y40", "/a".repeat(40)));
}

fn params(count: usize) -> String {
    (0..count).map(|index| format!("/{{p{index}}}")).collect()
}

#[test]
fn full_binary_table() {
    // Every choice of text and parameter over ten segments: the search sees each node once.
    let mut table = Vec::new();
    for bits in 0..1024_u32 {
        let path: String =
            (0..10).map(|i| if bits >> i & 1 == 1 { format!("/{{p{i}}}") } else { "/a".into() }).collect();
        table.push(path + "/end");
    }
    let router = router(&table.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(quick("search", || outcome(&router, &format!("{}/none", "/a".repeat(10)))), "404");
    assert_eq!(outcome(&router, &format!("{}/end", "/a".repeat(10))), format!("{}/end", "/a".repeat(10)));
}

#[test]
fn long_segments() {
    let router = router(&["/{a}-{b}-{c}-{d}-{e}-x", "/{a}aaaaaaaab"]);
    for part in ["-", "a", "-a", "é", "%2D"] {
        let path = format!("/{}", part.repeat(200_000));
        assert_eq!(quick(part, || outcome(&router, &path)), "404");
    }
}
