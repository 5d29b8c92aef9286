//! Frozen vectors: bytes and what they mean, for whoever writes another Homing.
//!
//! The files lie in `docs/vectors`, where a README says how a porter uses them. Here is where they come from
//! ([`generate`], the same bytes each time) and who compares ([`check`]): every case of a file, ours or a porter's
//! own, is held against the core, and one that bears the name of a frozen case against that case.
//!
//! ```
//! use homing_sim::vectors;
//!
//! let ours = vectors::generate().unwrap();
//! let frames = ours.iter().find(|file| file.name == "frames.json").unwrap();
//! assert!(vectors::check(&frames.text).is_good());
//!
//! // A byte that is another one is found, and the case is named.
//! let wrong = frames.text.replacen("0400080000000000000007", "0400080000000000000008", 1);
//! let report = vectors::check(&wrong);
//! assert_eq!(report.failed().map(|case| case.name.as_str()).collect::<Vec<_>>(), ["ping"]);
//! ```
//!
//! Sessions are not computed by the core alone: a second, small implementation of the Noise handshake, written
//! from its specification, computes every byte again.

mod bytes;
mod case;
mod hex;
mod sessions;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use serde::Deserialize;
use serde_json::Value;

pub use hex::Hex;

/// The version of the files' shape.
const VERSION: u32 = 1;

/// One file of vectors.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct File {
    /// Its name in `docs/vectors`: `frames.json`.
    pub name: String,
    /// What stands in it.
    pub text: String,
}

/// What became of one case.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Checked {
    /// The case's name; `file` for what is wrong with the file as a whole.
    pub name: String,
    /// Whether it holds.
    pub ok: bool,
    /// Why it does not, in one line; empty when it does.
    pub why: String,
}

/// What became of a file's cases.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Report {
    /// Which vectors they are: `frames`. Empty, when the file does not say.
    pub vectors: String,
    /// Each case, in the file's order.
    pub cases: Vec<Checked>,
    /// The frozen cases of these vectors that the file does not have: no fault, but not tested either.
    pub missing: Vec<String>,
}

impl Report {
    /// Whether every case holds. A file without a case has one that does not: itself.
    pub fn is_good(&self) -> bool {
        self.failed().next().is_none()
    }

    /// The cases that do not hold.
    pub fn failed(&self) -> impl Iterator<Item = &Checked> {
        self.cases.iter().filter(|case| !case.ok)
    }

    fn broken(vectors: String, why: impl Into<String>) -> Report {
        let case = Checked { name: "file".into(), ok: false, why: why.into() };
        Report { vectors, cases: vec![case], missing: Vec::new() }
    }
}

/// One sort of vectors, and so one file.
struct Sort {
    /// Its name: the file's, without `.json`.
    name: &'static str,
    /// The file's text.
    write: fn(&str) -> Result<String, String>,
    /// Holds one case against the core.
    check: fn(Value) -> Result<(), String>,
}

/// All sorts, in the order of PROTOCOL.md.
const SORTS: [Sort; 18] = [
    bytes::sort::<bytes::preface::Prefaces>("prefaces"),
    bytes::sort::<bytes::record::Records>("records"),
    bytes::sort::<bytes::frame::Frames>("frames"),
    bytes::sort::<bytes::label::Labels>("labels"),
    bytes::sort::<bytes::letter::Messages>("letters-message"),
    bytes::sort::<bytes::letter::Notifications>("letters-notification"),
    bytes::sort::<bytes::letter::Requests>("letters-request"),
    bytes::sort::<bytes::letter::Responses>("letters-response"),
    bytes::sort::<bytes::hello::ResponderHellos>("hello-responder"),
    bytes::sort::<bytes::hello::InitiatorHellos>("hello-initiator"),
    bytes::sort::<bytes::hello::SessionMessages>("session-messages"),
    bytes::sort::<bytes::heartbeat::Heartbeats>("heartbeats"),
    bytes::sort::<bytes::text::Addresses>("addresses"),
    bytes::sort::<bytes::text::Keys>("keys"),
    bytes::sort::<bytes::text::Invites>("invites"),
    bytes::sort::<bytes::journal::Entries>("journal"),
    sessions::WHOLE,
    sessions::REACTIONS,
];

/// All files, as they should stand in `docs/vectors`. The same each time, to the byte.
///
/// # Errors
/// What went wrong, when the core does not do what a case says: the vectors and the code have parted.
pub fn generate() -> Result<Vec<File>, String> {
    let write = |sort: &Sort| {
        let text = (sort.write)(sort.name).map_err(|why| format!("{}: {why}", sort.name))?;
        Ok(File { name: format!("{}.json", sort.name), text })
    };
    SORTS.iter().map(write).collect()
}

/// A file, its cases not yet looked at.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outline {
    vectors: String,
    version: u32,
    #[serde(default)]
    #[allow(dead_code)] // for people
    about: Value,
    cases: Vec<Value>,
}

/// Holds every case of a file against the core, and those that bear a frozen case's name against that.
///
/// Never fails: what cannot be read is a case that does not hold.
pub fn check(contents: &str) -> Report {
    let outline: Outline = match serde_json::from_str(contents) {
        Ok(outline) => outline,
        Err(e) => return Report::broken(String::new(), format!("is no file of vectors: {e}")),
    };
    let Some(place) = SORTS.iter().position(|sort| sort.name == outline.vectors) else {
        return Report::broken(outline.vectors, "has vectors of a sort that is not known here");
    };
    if outline.version != VERSION {
        let why = format!("has the version {}, this program reads {VERSION}", outline.version);
        return Report::broken(outline.vectors, why);
    }
    if outline.cases.is_empty() {
        return Report::broken(outline.vectors, "has no cases");
    }
    let frozen = match frozen(place) {
        Ok(frozen) => frozen,
        Err(why) => return Report::broken(outline.vectors, why),
    };
    let mut seen = BTreeSet::new();
    let mut cases = Vec::new();
    for (at, case) in outline.cases.into_iter().enumerate() {
        let name = case["name"].as_str().map_or_else(|| format!("case {at}"), ToString::to_string);
        let result = match frozen.get(&name) {
            _ if !seen.insert(name.clone()) => Err("this name comes twice".into()),
            Some(ours) => (SORTS[place].check)(case.clone()).and_then(|()| compare(ours, &case)),
            None => (SORTS[place].check)(case),
        };
        let (ok, why) = result.map_or_else(|why| (false, why), |()| (true, String::new()));
        cases.push(Checked { name, ok, why });
    }
    let missing = frozen.keys().filter(|name| !seen.contains(*name)).cloned().collect();
    Report { vectors: outline.vectors, cases, missing }
}

/// Cases by name.
type Named = BTreeMap<String, Value>;

/// The frozen cases of the sort at this place. They are computed once: sessions take their time.
fn frozen(place: usize) -> Result<&'static Named, String> {
    static FROZEN: [OnceLock<Result<Named, String>>; SORTS.len()] = [const { OnceLock::new() }; SORTS.len()];
    FROZEN[place].get_or_init(|| named(&SORTS[place])).as_ref().map_err(Clone::clone)
}

fn named(sort: &Sort) -> Result<Named, String> {
    let text = (sort.write)(sort.name)?;
    let outline: Outline = serde_json::from_str(&text).map_err(|e| e.to_string())?;
    let named = |case: Value| Some((case["name"].as_str()?.to_string(), case));
    Ok(outline.cases.into_iter().filter_map(named).collect())
}

/// Whether two cases of one name are one case; what is for people aside.
fn compare(ours: &Value, theirs: &Value) -> Result<(), String> {
    match difference(ours, theirs, "") {
        Some(place) => Err(format!("is not the frozen case of this name: another {place}")),
        None => Ok(()),
    }
}

/// Where two values first differ.
fn difference(ours: &Value, theirs: &Value, place: &str) -> Option<String> {
    match (ours, theirs) {
        (Value::Object(a), Value::Object(b)) => {
            let names: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            names.into_iter().filter(|name| !matches!(name.as_str(), "why" | "note")).find_map(|name| {
                let (a, b) = (a.get(name).unwrap_or(&Value::Null), b.get(name).unwrap_or(&Value::Null));
                let dot = if place.is_empty() { "" } else { "." };
                difference(a, b, &format!("{place}{dot}{name}"))
            })
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            let pairs = a.iter().zip(b).enumerate();
            pairs.into_iter().find_map(|(at, (a, b))| difference(a, b, &format!("{place}[{at}]")))
        }
        _ => (ours != theirs).then(|| place.to_string()),
    }
}
