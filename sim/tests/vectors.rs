//! The frozen vectors: what lies in `docs/vectors` is what the code makes (HOMING_BLESS=1 writes it there), every
//! case holds, and one that is changed does not.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::cast_possible_truncation)]

use std::collections::BTreeSet;
use std::path::PathBuf;

use homing_sim::vectors::{self, File};
use proptest::prelude::*;
use serde_json::Value;

fn folder() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "..", "docs", "vectors"].iter().collect()
}

/// The first line that differs, with the name of its case.
fn first_difference(old: &str, new: &str) -> String {
    let at = old.lines().zip(new.lines()).position(|(old, new)| old != new).unwrap_or(0);
    let name = new.lines().take(at + 1).filter(|line| line.starts_with("      \"name\"")).last();
    let line = |text: &str| text.lines().nth(at).unwrap_or_default().chars().take(200).collect::<String>();
    format!("{}, line {}:\n-{}\n+{}", name.unwrap_or("at its top").trim(), at + 1, line(old), line(new))
}

#[test]
fn the_files_are_what_the_code_makes() {
    let files = vectors::generate().unwrap();
    let bless = std::env::var_os("HOMING_BLESS").is_some_and(|value| value == "1");
    let mut wrong = Vec::new();
    for File { name, text } in &files {
        let path = folder().join(name);
        let old = std::fs::read_to_string(&path).unwrap_or_default();
        if old == *text {
            continue;
        }
        if bless {
            std::fs::write(path, text).unwrap();
        } else {
            wrong.push(format!("{name}: {}", first_difference(&old, text)));
        }
    }
    assert!(
        wrong.is_empty(),
        "frozen bytes have changed (HOMING_BLESS=1 writes them):\n{}",
        wrong.join("\n")
    );
    let ours: BTreeSet<String> = files.into_iter().map(|file| file.name).collect();
    let there = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name());
    let there: BTreeSet<String> = there.map(|name| name.into_string().unwrap()).collect();
    let known = |name: &&String| name.ends_with(".json");
    assert_eq!(there.iter().filter(known).collect::<Vec<_>>(), ours.iter().collect::<Vec<_>>());
}

#[test]
fn generating_twice_gives_the_same() {
    assert_eq!(vectors::generate(), vectors::generate());
}

#[test]
fn every_case_holds() {
    for File { name, text } in vectors::generate().unwrap() {
        let report = vectors::check(&text);
        let failed: Vec<_> = report.failed().collect();
        assert!(report.is_good(), "{name}: {failed:#?}");
        assert!(report.missing.is_empty() && report.cases.len() > 5, "{name}");
    }
}

/// Nothing is good only because it is the same as the frozen case: under another name each holds by itself ..
#[test]
fn every_case_holds_under_another_name() {
    for File { name, text } in vectors::generate().unwrap() {
        let mut file: Value = serde_json::from_str(&text).unwrap();
        for case in file["cases"].as_array_mut().unwrap() {
            case["name"] = format!("own: {}", case["name"].as_str().unwrap()).into();
        }
        let report = vectors::check(&file.to_string());
        assert!(report.is_good(), "{name}: {:#?}", report.failed().collect::<Vec<_>>());
        assert_eq!(report.missing.len(), report.cases.len(), "{name}");
    }
}

/// .. and what it says of a fault is looked at.
#[test]
fn another_reason_is_found() {
    let mut looked_at = 0;
    for frozen in frozen() {
        for place in ["/reject/code", "/outcome/code", "/outcome/how", "/reject/error"] {
            let mut own = frozen.case.clone();
            own["name"] = "a porter's own".into();
            match own.pointer_mut(place) {
                Some(word @ Value::String(_)) => {
                    *word = if *word == "told" { "lives" } else { "told" }.into()
                }
                Some(number) => *number = (number.as_u64().unwrap() + 1).into(),
                None => continue,
            }
            looked_at += 1;
            assert!(
                !vectors::check(&file_of(&frozen.vectors, own)).is_good(),
                "{}: {place}",
                frozen.case["name"]
            );
        }
    }
    assert!(looked_at > 500);
}

/// The places of a case where bytes stand, in hexadecimal digits or as text.
fn places(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| {
            places(value, &format!("{path}/{name}"), found);
        }),
        Value::Array(list) => list.iter().enumerate().for_each(|(at, value)| {
            places(value, &format!("{path}/{at}"), found);
        }),
        Value::String(text) if !text.is_empty() => {
            let field = path.rsplit('/').next().unwrap();
            if matches!(
                field,
                "bytes" | "text" | "wire" | "plain" | "payload" | "static" | "ephemeral" | "hash"
            ) {
                found.push(path.into());
            }
        }
        _ => {}
    }
}

/// A case with one byte of what stands at `path` changed.
fn changed(case: &Value, path: &str, at: usize, bit: u8) -> Value {
    let mut case = case.clone();
    let Some(Value::String(text)) = case.pointer_mut(path) else { panic!("{path}") };
    if path.ends_with("text") {
        let at = (0..=at % text.len()).rev().find(|at| text.is_char_boundary(*at)).unwrap();
        let old = text[at..].chars().next().unwrap();
        let new = if old == 'x' { "y" } else { "x" };
        text.replace_range(at..at + old.len_utf8(), new);
    } else {
        let at = at % (text.len() / 2) * 2;
        let byte = u8::from_str_radix(&text[at..at + 2], 16).unwrap() ^ (1 << bit);
        text.replace_range(at..at + 2, &format!("{byte:02x}"));
    }
    case
}

fn file_of(vectors: &str, case: Value) -> String {
    serde_json::json!({ "vectors": vectors, "version": 1, "cases": [case] }).to_string()
}

struct Frozen {
    vectors: String,
    case: Value,
    places: Vec<String>,
}

fn frozen() -> &'static Vec<Frozen> {
    static ALL: std::sync::OnceLock<Vec<Frozen>> = std::sync::OnceLock::new();
    ALL.get_or_init(|| {
        let mut all = Vec::new();
        for File { text, .. } in vectors::generate().unwrap() {
            let file: Value = serde_json::from_str(&text).unwrap();
            for case in file["cases"].as_array().unwrap() {
                let mut found = Vec::new();
                places(case, "", &mut found);
                all.push(Frozen {
                    vectors: file["vectors"].as_str().unwrap().into(),
                    case: case.clone(),
                    places: found,
                });
            }
        }
        all
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// One byte of any frozen case, anywhere.
    #[test]
    fn a_changed_byte_is_found(case: prop::sample::Index, place: prop::sample::Index, at: usize, bit in 0u8..8) {
        let with_bytes: Vec<&Frozen> = frozen().iter().filter(|case| !case.places.is_empty()).collect();
        let frozen = case.get(&with_bytes);
        let path = place.get(&frozen.places);
        let report = vectors::check(&file_of(&frozen.vectors, changed(&frozen.case, path, at, bit)));
        prop_assert!(!report.is_good(), "{}: {}: {path}", frozen.vectors, frozen.case["name"]);
        prop_assert_eq!(report.failed().next().unwrap().name.as_str(), frozen.case["name"].as_str().unwrap());
    }

    /// The same under a name that is not frozen: what a porter's own case would have to be caught by, where there is
    /// a value to compare with. (A refused input may be refused in another form as well.)
    #[test]
    fn a_changed_byte_of_an_own_case_is_found(case: prop::sample::Index, place: prop::sample::Index, at: usize, bit in 0u8..8) {
        let own = |frozen: &&Frozen| {
            frozen.case["reject"].is_null()
                && frozen.case["outcome"].is_null()
                && frozen.case["decode_only"].is_null()
                && !frozen.places.is_empty()
        };
        let with_bytes: Vec<&Frozen> = frozen().iter().filter(own).collect();
        let frozen = case.get(&with_bytes);
        let mut own = frozen.case.clone();
        own["name"] = "a porter's own".into();
        prop_assert!(vectors::check(&file_of(&frozen.vectors, own.clone())).is_good());
        let path = place.get(&frozen.places);
        let wrong = changed(&own, path, at, bit);
        // X25519 does not look at five bits of a private key (RFC 7748, section 5).
        let clamped = path.ends_with("static") || path.ends_with("ephemeral");
        let report = vectors::check(&file_of(&frozen.vectors, wrong));
        prop_assert!(clamped || !report.is_good(), "{}: {}: {path}", frozen.vectors, frozen.case["name"]);
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,200}", vectors in "[a-z-]{0,20}") {
        prop_assert!(!vectors::check(&text).is_good());
        let file = serde_json::json!({ "vectors": vectors, "version": 1, "cases": [{ "name": text }] });
        prop_assert!(!vectors::check(&file.to_string()).is_good());
    }
}

#[test]
fn what_is_no_file_is_said() {
    let good = vectors::generate().unwrap().remove(0).text;
    for (text, why) in [
        ("hello".to_string(), "is no file of vectors"),
        (good.replace("prefaces", "postfaces"), "not known here"),
        (good.replace("\"version\": 1", "\"version\": 2"), "the version 2"),
        (r#"{"vectors":"frames","version":1,"cases":[]}"#.into(), "no cases"),
    ] {
        let report = vectors::check(&text);
        assert!(!report.is_good() && report.cases[0].why.contains(why), "{report:?}");
    }
    let mut file: Value = serde_json::from_str(&good).unwrap();
    let again = file["cases"][0].clone();
    file["cases"].as_array_mut().unwrap().push(again);
    let report = vectors::check(&file.to_string());
    assert_eq!(report.failed().map(|case| case.why.as_str()).collect::<Vec<_>>(), ["this name comes twice"]);
}

/// Each refusal that the core has is among the cases: what a porter never meets, nobody tests.
#[test]
fn every_reason_of_the_wire_is_met() {
    let mut met = BTreeSet::new();
    for frozen in frozen() {
        met.extend(
            [&frozen.case["reject"]["code"], &frozen.case["outcome"]["code"]].map(|code| code.as_u64()),
        );
    }
    let missing: Vec<&str> = homing_core::Reason::ALL
        .iter()
        .filter(|reason| !met.contains(&Some(u64::from(reason.code()))))
        .map(|reason| reason.name())
        .collect();
    // What needs a clock, a crowd, a full disk or an application that says so; or is not said by this version.
    let others = [
        "FINISHED",
        "REPLACED",
        "BANNED",
        "LOOP",
        "NOT_AVAILABLE",
        "QUEUE_FULL",
        "EXPIRED",
        "LINK_LOST",
        "NO_RECEIPT",
        "REFUSED",
        "COMMAND_FAILED",
        "TIMEOUT",
        "CANCELLED",
        "GONE",
        "UNREACHABLE",
        "STORAGE",
    ];
    assert_eq!(missing, others);
}
