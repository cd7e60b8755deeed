//! Which operation answers a path, and with which parameters.

use crate::table::check;

#[test]
fn fixed_paths() {
    check(
        &["/", "/items", "/items/new", "/a//b", "/slash/"],
        &[
            ("/", "/"),
            ("/?q=1", "/"),
            ("/items", "/items"),
            ("/items?x=/items/new", "/items"),
            ("/items/new", "/items/new"),
            ("/a//b", "/a//b"),
            ("/a/b", "404"),
            ("/slash/", "/slash/"),
            ("/Items", "404"),
            ("/item", "404"),
            ("/items/newer", "404"),
            ("//items", "404"),
            ("//", "307 /"),
        ],
    );
}

#[test]
fn text_beats_mixed_beats_parameter_beats_rest() {
    check(
        &["/{p}", "/me", "/v{n}", "/v{n}.json", "/{rest:path}"],
        &[
            ("/me", "/me"),
            ("/v2", "/v{n} n=2"),
            ("/v2.json", "/v{n}.json n=2"),
            ("/v", "/{p} p=v"),
            ("/v.json", "/v{n} n=.json"),
            ("/x", "/{p} p=x"),
            ("/x/y", "/{rest:path} rest=x/y"),
            ("/me/", "/{rest:path} rest=me/"),
        ],
    );
}

#[test]
fn the_next_best_choice_is_tried_when_the_best_leads_nowhere() {
    check(
        &["/a/b/c", "/a/{x}/d", "/{y}/b/e", "/{y}/{z}/f", "/a/{rest:path}", "/{z}-{w}/b/g"],
        &[
            ("/a/b/c", "/a/b/c"),
            ("/a/b/d", "/a/{x}/d x=b"),
            ("/a/b/e", "/a/{rest:path} rest=b/e"),
            ("/q/b/e", "/{y}/b/e y=q"),
            ("/q/b/f", "/{y}/{z}/f y=q z=b"),
            ("/a/b/f", "/a/{rest:path} rest=b/f"),
            ("/a", "404"),
            ("/a/", "404"),
            ("/a-1/b/g", "/{z}-{w}/b/g z=a w=1"),
            ("/a-1/b/e", "/{y}/b/e y=a-1"),
        ],
    );
}

#[test]
fn mixed_segments() {
    check(
        &["/files/{name}.{ext}", "/v{major}/x", "/{a}-{b}-{c}", "/day{y}-{m}", "/@{user}", "/{id}:cancel"],
        &[
            ("/files/a.txt", "/files/{name}.{ext} name=a ext=txt"),
            ("/files/a.tar.gz", "/files/{name}.{ext} name=a.tar ext=gz"),
            ("/files/..", "404"),
            ("/files/...", "/files/{name}.{ext} name=. ext=."),
            ("/files/a.", "404"),
            ("/files/.a", "404"),
            ("/files/é.ü", "/files/{name}.{ext} name=é ext=ü"),
            ("/v3/x", "/v{major}/x major=3"),
            ("/v/x", "404"),
            ("/1-2-3", "/{a}-{b}-{c} a=1 b=2 c=3"),
            ("/1-2-3-4", "/{a}-{b}-{c} a=1-2 b=3 c=4"),
            ("/day1-2", "/day{y}-{m} y=1 m=2"),
            ("/day1-2-3", "/day{y}-{m} y=1-2 m=3"),
            ("/x1-2", "404"),
            ("/@ada", "/@{user} user=ada"),
            ("/5:cancel", "/{id}:cancel id=5"),
            ("/:cancel", "404"),
        ],
    );
}

#[test]
fn parameters_are_never_empty() {
    check(
        &["/a/{x}/b", "/files/{path:path}"],
        &[
            ("/a//b", "404"),
            ("/a/1/b", "/a/{x}/b x=1"),
            ("/files/", "404"),
            ("/files", "404"),
            ("/files/a", "/files/{path:path} path=a"),
            ("/files/a/b/", "/files/{path:path} path=a/b/"),
            ("/files//", "/files/{path:path} path=/"),
            ("/files//etc/passwd", "/files/{path:path} path=/etc/passwd"),
        ],
    );
}

#[test]
fn escapes_are_decoded_once_and_inside_their_segment() {
    check(
        &[
            "/{x}",
            "/a/{x}/c",
            "/files/{path:path}",
            "/me",
            "/caf%C3%A9",
            "/tea/ü",
            "/50%25",
            "/a%2Fb",
            "/x%2520y",
        ],
        &[
            ("/a%2Fc", "/{x} x=a/c"),
            ("/a%2fb", "/a%2Fb"),
            ("/a/b", "404"),
            ("/a/%2F/c", "/a/{x}/c x=/"),
            ("/a/b%2Fc", "404"),
            ("/%25", "/{x} x=%"),
            ("/%252F", "/{x} x=%2F"),
            ("/50%25", "/50%25"),
            ("/50%", "400"),
            ("/x%20y", "/{x} x=x y"),
            ("/x%2520y", "/x%2520y"),
            ("/m%65", "/me"),
            ("/%6D%65", "/me"),
            ("/caf%c3%a9", "/caf%C3%A9"),
            ("/café", "/caf%C3%A9"),
            ("/tea/%C3%BC", "/tea/ü"),
            ("/tea/ü", "/tea/ü"),
            ("/a+b", "/{x} x=a+b"),
            ("/files/a%2Fb/c%20d", "/files/{path:path} path=a/b/c d"),
            ("/files/%2e%2e/x", "/files/{path:path} path=../x"),
            ("/files/../me", "/files/{path:path} path=../me"),
            ("/./me", "404"),
        ],
    );
}

#[test]
fn malformed_escapes_are_bad_paths() {
    let bad = ["/%", "/%2", "/%zz", "/%+1", "/a%00b", "/%ff", "/%C3", "/%C3/%A9", "/%ED%A0%80", "/x/%"];
    check(&["/{x}"], &bad.map(|path| (path, "400")));
    check(&["/{x}"], &[("", "400"), ("x", "400"), ("*", "400"), ("http://h/x", "400"), ("/\0", "400")]);
    // The query is none of the router's business.
    check(&["/{x}"], &[("/a?%zz", "/{x} x=a")]);
}

#[test]
fn segments_match_whole() {
    check(
        &["/{x}.json", "/{x}.xml/{y}"],
        &[
            ("/a.json", "/{x}.json x=a"),
            ("/a%2Fb.json", "/{x}.json x=a/b"),
            ("/a/b.json", "404"),
            ("/a.xml/b.json", "/{x}.xml/{y} x=a y=b.json"),
        ],
    );
}

#[test]
fn names_belong_to_their_template() {
    check(
        &["/{user}", "/{org}/repos", "/{group}/{project}"],
        &[
            ("/a", "/{user} user=a"),
            ("/a/repos", "/{org}/repos org=a"),
            ("/a/b", "/{group}/{project} group=a project=b"),
        ],
    );
}
