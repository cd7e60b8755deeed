//! Heads of forms: the boundary in Content-Type, and the header of a part.

use photon_http::{Boundary, MultipartError};

use crate::multipart::{DISPOSITION, decode, refuse};

/// The only part of a form that is complete, with these lines for a header.
fn one(header: &str) -> Result<(String, Option<String>, Option<String>), MultipartError> {
    let input = format!("--b\r\n{header}\r\n\r\nx\r\n--b--\r\n");
    let mut parts = decode("b", input.as_bytes())?;
    assert_eq!(parts.len(), 1);
    let (name, file, kind, data) = parts.remove(0);
    assert_eq!(data, "x");
    Ok((name, file, kind))
}

#[track_caller]
fn refuse_header(error: MultipartError, headers: &[&str]) {
    for header in headers {
        assert_eq!(one(header), Err(error), "{header:?}");
        // Whatever stands beside it.
        assert_eq!(one(&format!("X: y\r\n{header}")), Err(error), "{header:?}");
    }
}

#[test]
fn rfc2046_5_1_header_lines() {
    refuse_header(
        MultipartError::Field,
        &[
            "Content-Disposition : form-data; name=a",
            " Content-Disposition: form-data; name=a",
            "Content-Disposition: form-data;\r\n name=a",
            "Content-Disposition: form-data; name=\"a\0\"",
            "Content-Disposition: form-data; name=\"a\u{7f}\"",
            ": x",
            "no field",
            "--b",
        ],
    );
    refuse_header(
        MultipartError::LineEnd,
        &[
            "Content-Disposition: form-data;\n name=a",
            "Content-Disposition: form-data; name=\"a\rb\"",
            "Content-Disposition: form-data; name=a\nX: y",
            "\nContent-Disposition: form-data; name=a",
            "Content-Disposition: form-data; name=a\n",
            "Content-Disposition: form-data; name=a\r",
        ],
    );
    refuse(MultipartError::Disposition, &["--b\r\n\r\nx\r\n--b--"]);
    refuse(MultipartError::Field, &["--b\r\n--b--\r\n\r\n"]);
}

#[test]
fn rfc7578_4_1_the_content_type_has_the_boundary() {
    for (value, boundary) in [
        ("multipart/form-data; boundary=x", "x"),
        ("Multipart/Form-Data;BOUNDARY=x", "x"),
        ("multipart/form-data \t; charset=utf-8 ; boundary=\"a b:c\"; x=\"\\\"\"", "a b:c"),
        ("multipart/form-data;; boundary=----WebKitFormBoundaryq;", "----WebKitFormBoundaryq"),
    ] {
        assert_eq!(Boundary::from_content_type(value).unwrap().as_str(), boundary, "{value}");
    }
    for (error, values) in [
        (
            MultipartError::NotFormData,
            &["", "text/plain", "multipart/mixed; boundary=x", "multipart/form-data2"][..],
        ),
        (
            MultipartError::Boundary,
            &[
                "multipart/form-data",
                "multipart/form-data; charset=utf-8",
                "multipart/form-data; boundary=x; boundary=x",
                "multipart/form-data; boundary=\"\"",
                "multipart/form-data; boundary=\"x \"",
                "multipart/form-data; boundary=\"x\\y\"",
                "multipart/form-data; boundary=x*",
            ],
        ),
        (
            MultipartError::ContentType,
            &[
                "multipart/form-data; boundary",
                "multipart/form-data; boundary=",
                "multipart/form-data; boundary=a:b",
                "multipart/form-data; boundary = x",
                "multipart/form-data; boundary=\"x",
                "multipart/form-data; boundary=x y",
                "multipart/form-data; boundary=x, y",
                "multipart/form-data; =x; boundary=x",
                "multipart/form-data;\r\n boundary=x",
            ],
        ),
    ] {
        for value in values {
            assert_eq!(Boundary::from_content_type(value), Err(error), "{value:?}");
        }
    }
}

#[test]
fn rfc7578_4_2_a_part_has_a_name() {
    let named = |header| one(header).unwrap_or_else(|error| panic!("{header:?}: {error}")).0;
    assert_eq!(named("Content-Disposition: form-data; name=\"a b\""), "a b");
    assert_eq!(named("content-disposition:FORM-DATA;NAME=a;other=\"x\";"), "a");
    assert_eq!(named("Content-Disposition: \tform-data ;  ; name=\"\" \t"), "");
    assert_eq!(named("Content-Disposition: form-data; name=\"na\u{ef}ve; name=b\""), "na\u{ef}ve; name=b");
    refuse_header(
        MultipartError::Name,
        &["Content-Disposition: form-data", "Content-Disposition: form-data; filename=\"name=a\"; name*=a"],
    );
    refuse_header(
        MultipartError::Disposition,
        &[
            "Content-Type: text/plain",
            "Content-Disposition: attachment; name=a",
            "Content-Disposition: form-data2; name=a",
            "Content-Disposition: form-data name=a",
            "Content-Disposition:",
            "Content-Disposition: form-data; name=a; name=a",
            "Content-Disposition: form-data; name=a; filename=b; FileName=b",
            "Content-Disposition: form-data; name=a\r\nContent-Disposition: form-data; name=a",
            "Content-Disposition: form-data; name",
            "Content-Disposition: form-data; name=",
            "Content-Disposition: form-data; name=\"a",
            "Content-Disposition: form-data; name=\"a\\\"",
            "Content-Disposition: form-data; name=\"a\"b\"",
            "Content-Disposition: form-data; name=a b",
            "Content-Disposition: form-data; name=ä",
            "Content-Disposition: form-data; name = a",
            "Content-Disposition: form-data, name=a",
            "Content-Disposition: form-data; name=a; x",
        ],
    );
}

#[test]
fn rfc7578_4_2_file_names() {
    for (parameters, expected) in [
        ("", None),
        ("; filename=\"\"", Some("")),
        ("; filename=a.txt", Some("a.txt")),
        ("; filename=\"../a;b.txt\"", Some("../a;b.txt")),
        // What must not be used is not used.
        ("; filename*=UTF-8''%e2%82%ac.txt", None),
        ("; filename=\"eur.txt\"; filename*=UTF-8''%e2%82%ac.txt", Some("eur.txt")),
        // As browsers write them.
        ("; filename=\"%22a%22%0D%0A%20%0a%2.txt\"", Some("\"a\"\r\n%20%0a%2.txt")),
        ("; filename=%22a%22", Some("%22a%22")),
        ("; filename=\"C:\\dir\\a.txt\"", Some("C:\\dir\\a.txt")),
        // As others write them.
        ("; filename=\"\\\"a\\\" \\\\\"", Some("\"a\" \\")),
        ("; filename=\"%\\\"22\\\\%22\"", Some("%\"22\\\"")),
        ("; filename=\"日本.txt\"", Some("日本.txt")),
    ] {
        let (_, file, _) = one(&format!("{DISPOSITION}{parameters}")).unwrap();
        assert_eq!(file.as_deref(), expected, "{parameters}");
    }
}

#[test]
fn rfc7578_4_4_the_type_of_a_part() {
    assert_eq!(one(DISPOSITION).unwrap().2, None);
    let (.., kind) = one(&format!("{DISPOSITION}\r\ncontent-type:  text/plain; charset=utf-8 ")).unwrap();
    assert_eq!(kind.as_deref(), Some("text/plain; charset=utf-8"));
    refuse_header(
        MultipartError::PartType,
        &["Content-Disposition: form-data; name=a\r\nContent-Type: a/b\r\nContent-Type: a/b"],
    );
}

#[test]
fn rfc7578_4_7_transfer_encodings() {
    for coding in ["7bit", "8BIT", "binary"] {
        assert!(one(&format!("{DISPOSITION}\r\nContent-Transfer-Encoding: {coding}")).is_ok(), "{coding}");
    }
    for coding in ["base64", "quoted-printable", "", "binary\r\nContent-Transfer-Encoding: binary"] {
        let header = format!("{DISPOSITION}\r\nContent-Transfer-Encoding: {coding}");
        assert_eq!(one(&header), Err(MultipartError::TransferEncoding), "{coding}");
    }
}

#[test]
fn rfc7578_5_1_2_names_are_utf8_or_nearly() {
    let input =
        b"--b\r\nContent-Disposition: form-data; name=\"\xe4\"; filename=\"\xff.txt\"\r\n\r\n\r\n--b--";
    let (name, file, ..) = decode("b", input).unwrap().remove(0);
    assert_eq!((name.as_str(), file.as_deref()), ("\u{fffd}", Some("\u{fffd}.txt")));
}
