use super::*;
use proptest::prelude::*;

fn message(head: &[u8]) -> Result<MessageHead, LetterError> {
    Letter { head, body: b"" }.head()
}

#[test]
fn the_layout_is_this() {
    let head = MessageHead { content_type: "text/plain".into(), ..Default::default() };
    let mut out = Vec::new();
    write(&mut out, &head, b"hi", 100).unwrap();
    assert_eq!(out, b"\x00\x15{\"type\":\"text/plain\"}hi");
    let letter = Letter::read(&out, 100).unwrap();
    assert_eq!((letter.head::<MessageHead>().unwrap(), letter.body), (head.clone(), &b"hi"[..]));
    assert_eq!(Letter::read(&out, 20), Err(LetterError::HeadTooLarge));
    assert_eq!(write(&mut out, &head, b"", 20), Err(LetterError::HeadTooLarge));
    for cut in 0..23 {
        assert_eq!(Letter::read(&out[..cut], 100), Err(LetterError::Truncated));
    }
}

#[test]
fn bad_heads_are_refused() {
    for head in [
        &b""[..],
        b"{",
        b"[]",
        b"[\"text/plain\"]",
        b"{} x",
        b"null",
        b"{\"type\":1}",
        b"{\"type\":\"a\",\"type\":\"b\"}",
        b"{\"metadata\":{\"a\":\"1\",\"a\":\"2\"}}",
        b"{\"metadata\":{\"a\":1}}",
        b"{\"type\":\"\xFF\"}",
        b"{\"type\":\"\\ud800\"}",
        b"{} {}",
    ] {
        assert!(matches!(message(head), Err(LetterError::Head(_))), "{head:?}");
    }
    let deep = [&b"{\"x\":"[..], &[b'['; 1000], &[b']'; 1000], b"}"].concat();
    assert!(message(&deep).is_ok(), "what is passed over costs no stack");
    let deep = [&b"{\"metadata\":{\"x\":"[..], &[b'['; 1000], &[b']'; 1000], b"}}"].concat();
    assert!(matches!(message(&deep), Err(LetterError::Head(_))));
    for code in ["-1", "65536", "1e30", "1.5", "99999999999999999999999999"] {
        let head = alloc::format!("{{\"event\":\"failed\",\"reason\":{{\"code\":{code}}}}}");
        let letter = Letter { head: head.as_bytes(), body: b"" };
        assert!(letter.head::<NotificationHead>().is_err(), "{code}");
    }
    for head in [&b"{\"event\":{\"failed\":null}}"[..], b"{\"event\":\"failed\",\"reason\":[41]}"] {
        assert!(Letter { head, body: b"" }.head::<NotificationHead>().is_err());
    }
    assert!(
        Letter { head: b"{\"method\":{\"get\":null},\"uri\":\"/\"}", body: b"" }
            .head::<RequestHead>()
            .is_err()
    );
    let null = Letter { head: b"{\"status\":\"success\",\"reason\":null}", body: b"" };
    assert_eq!(null.head::<ResponseHead>().unwrap().reason, None);
    assert!(message(b"{\"later\":{\"a\":[1,2e999999]}}").is_ok(), "fields not known are passed over");
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), most in 0usize..300) {
        if let Ok(letter) = Letter::read(&bytes, most) {
            let _ = letter.head::<MessageHead>();
            let _ = letter.head::<NotificationHead>();
            prop_assert_eq!(letter.request_head(), letter.head());
            prop_assert_eq!(letter.response_head(), letter.head());
        }
    }

    #[test]
    fn any_head_comes_back(kind in prop_oneof!["\\PC{0,20}", "[ -~]{0,20}", Just(OCTETS.to_string())], map in proptest::collection::btree_map("\\PC{0,8}", "\\PC{0,8}", 0..5), body: Vec<u8>) {
        let head = MessageHead { content_type: kind.into(), metadata: map };
        let mut out = Vec::new();
        write(&mut out, &head, &body, 4096).unwrap();
        let mut same = Vec::new();
        let written = WrittenHead::new(&head.content_type, &head.metadata, 4096).unwrap();
        written.write(&mut same);
        prop_assert_eq!(written.len(), same.len());
        same.extend_from_slice(&body);
        prop_assert_eq!(&out, &same);
        let length = written.len() - 2;
        prop_assert!(WrittenHead::new(&head.content_type, &head.metadata, length).is_ok());
        prop_assert!(WrittenHead::new(&head.content_type, &head.metadata, length - 1).is_err());
        let letter = Letter::read(&out, 4096).unwrap();
        prop_assert_eq!(letter.message_head().unwrap(), head.clone());
        prop_assert_eq!(letter.head::<MessageHead>().unwrap(), head);
        prop_assert_eq!(letter.body, &body[..]);
    }

    #[test]
    fn heads_that_are_written_by_hand_are_those_that_serde_writes(
        which in 0usize..7,
        uri in prop_oneof!["\\PC{0,20}", "/[ -~]{0,20}"],
        kind in prop_oneof!["\\PC{0,20}", "[ -~]{0,20}", Just(OCTETS.to_string())],
        patience in prop_oneof![any::<u64>(), 0u64..100_000],
    ) {
        let content_type: ContentType = kind.into();
        let (mut out, mut same) = (b"before".to_vec(), b"before".to_vec());
        let method = METHODS[which];
        let head = RequestHead { method, uri, content_type: content_type.clone(), patience: Some(patience) };
        write(&mut out, &head, &[], 4096).unwrap();
        begin_request(&mut same, (method, &head.uri), &content_type, patience, 4096).unwrap();
        prop_assert_eq!(&out, &same);
        let letter = Letter::read(&out[6..], 4096).unwrap();
        prop_assert_eq!(letter.request_head().unwrap(), head.clone());
        let most = letter.head.len() - 1;
        prop_assert!(begin_request(&mut same, (method, &head.uri), &content_type, patience, most).is_err());
        prop_assert_eq!(&out, &same);

        let (mut out, mut same) = (Vec::new(), Vec::new());
        let head = ResponseHead { status: Status::Success, reason: None, content_type: content_type.clone() };
        write(&mut out, &head, &[], 4096).unwrap();
        begin_response(&mut same, &content_type, 4096).unwrap();
        prop_assert_eq!(&out, &same);
        let letter = Letter::read(&out, 4096).unwrap();
        prop_assert_eq!(letter.response_head().unwrap(), head);
        let most = letter.head.len() - 1;
        prop_assert!(begin_response(&mut same, &content_type, most).is_err());
        prop_assert_eq!(&out, &same);
    }

    /// Of heads that are almost the usual ones, too.
    #[test]
    fn heads_that_are_read_by_hand_say_what_serde_reads(
        request: bool,
        word in prop_oneof![Just("get"), Just("set"), Just("Get"), Just("observe"), Just("")],
        patience in prop_oneof![Just(""), Just(",\"patience\":7"), Just(",\"patience\":07"), Just(",\"patience\":-1"), Just(",\"patience\":0"), Just(",\"patience\":18446744073709551615"), Just(",\"patience\":18446744073709551616"), Just(",\"patience\":1.5"), Just(",\"patience\":"), Just(",\"patience\":null")],
        kind in prop_oneof![Just(""), Just(",\"type\":\"text/plain\""), Just(",\"type\":\"a\\u0062\""), Just(",\"type\":\"\""), Just(",\"type\":null"), Just(",\"type\":\"\u{e4}\"")],
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0u8..3), 0..3),
    ) {
        let mut head = match request {
            true => alloc::format!("{{\"method\":\"{word}\",\"uri\":\"/a\"{kind}{patience}}}"),
            false => alloc::format!("{{\"status\":\"success\"{kind}}}"),
        }.into_bytes();
        for (at, byte, how) in changes {
            let at = at.index(head.len());
            match how {
                0 => head[at] = byte,
                1 => head.insert(at, byte),
                _ => drop(head.remove(at)),
            }
        }
        let letter = Letter { head: &head, body: &[] };
        prop_assert_eq!(letter.request_head(), letter.head());
        prop_assert_eq!(letter.response_head(), letter.head());
    }
}

const METHODS: [Method; 7] = [
    Method::Get,
    Method::Set,
    Method::Delete,
    Method::Subscribe,
    Method::Unsubscribe,
    Method::Observe,
    Method::Merge,
];

#[test]
fn the_usual_heads_are_read_by_hand() {
    for method in METHODS {
        let mut out = Vec::new();
        begin_request(&mut out, (method, "/a"), &"text/plain".into(), 30_000, 100).unwrap();
        assert!(usual::request(&out[2..]).is_some(), "{method:?}");
    }
    assert!(usual::response(b"{\"status\":\"success\",\"type\":\"text/plain\"}").is_some());
    assert!(usual::response(b"{\"status\":\"success\"}").is_some());
}
