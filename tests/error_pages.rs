//! Holds the three lists of error reasons together: the domain's, the protocol's, and the pages in `docs/errors/`.
//!
//! A reason without a page, a page without a reason, a page that does not say what to do, or a gRPC code on a page that is
//! not the one the protocol states fails here.

#![allow(clippy::unwrap_used, reason = "a test that cannot read what it tests has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use prost::Message as _;
use prost_types::FileDescriptorSet;
use subrosa::domain::Reason;
use subrosa_proto::v1::ErrorReason;

#[test]
fn the_protocol_has_exactly_the_reasons_of_the_domain() {
    let protocol: BTreeSet<String> = protocol_reasons().into_keys().collect();
    assert_eq!(protocol, domain_reasons());
    for reason in Reason::ALL {
        let on_the_wire = ErrorReason::from_reason(reason.as_str()).map(ErrorReason::reason);
        assert_eq!(on_the_wire, Some(reason.as_str()));
    }
}

#[test]
fn every_reason_has_a_page_and_every_page_a_reason() {
    let pages: BTreeSet<String> = pages().into_keys().collect();
    assert_eq!(pages, domain_reasons());
}

#[test]
fn every_page_is_complete() {
    let faults: Vec<String> = pages().iter().flat_map(|(reason, page)| faults(reason, page)).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_page_states_the_code_of_the_protocol() {
    let on_pages: BTreeMap<String, String> =
        pages().into_iter().map(|(reason, page)| (reason, code(&page).unwrap_or_default().to_owned())).collect();
    assert_eq!(on_pages, protocol_reasons());
}

#[test]
fn the_index_lists_every_reason_with_its_code() {
    let index = fs::read_to_string(folder().join(INDEX)).unwrap();
    for (reason, code) in protocol_reasons() {
        let row = format!("| [{reason}]({reason}.md) | `{code}` |");
        assert!(index.lines().any(|line| line.starts_with(&row)), "the index has no row {row}");
    }
}

#[test]
fn the_check_of_a_page_finds_what_is_missing() {
    let good = "# OVERLOADED\n\nCode: RESOURCE_EXHAUSTED\n\n## What to do\n\n- Wait.\n";
    assert_eq!(faults("OVERLOADED", good), Vec::<String>::new());
    for (what, bad) in [
        ("title", good.replace("# OVERLOADED", "# OVERLOAD")),
        ("code", good.replace("Code: RESOURCE_EXHAUSTED", "")),
        ("code", good.replace("RESOURCE_EXHAUSTED", "TOO_BUSY")),
        ("section", good.replace("## What to do", "## What")),
        ("remedy", good.replace("- Wait.", "")),
    ] {
        assert_eq!(faults("OVERLOADED", &bad).len(), 1, "a page with a wrong {what}: {bad}");
    }
}

/// What is wrong with one page, in words.
fn faults(reason: &str, page: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if page.lines().next() != Some(&format!("# {reason}")) {
        faults.push(format!("{reason}: the page does not begin with `# {reason}`"));
    }
    if !code(page).is_some_and(|code| GRPC_CODES.contains(&code)) {
        faults.push(format!("{reason}: the page has no line `Code: ` with a gRPC code"));
    }
    match page.split_once("\n## What to do\n") {
        None => faults.push(format!("{reason}: the page has no section `## What to do`")),
        Some((_, remedy)) if remedy.trim().is_empty() => {
            faults.push(format!("{reason}: the section `## What to do` is empty"));
        }
        Some(_) => {}
    }
    faults
}

fn code(page: &str) -> Option<&str> {
    page.lines().find_map(|line| line.strip_prefix("Code: "))
}

fn domain_reasons() -> BTreeSet<String> {
    Reason::ALL.iter().map(|reason| reason.as_str().to_owned()).collect()
}

/// The reasons of the protocol, each with the gRPC code that stands in brackets before its comment.
fn protocol_reasons() -> BTreeMap<String, String> {
    let files = FileDescriptorSet::decode(subrosa_proto::FILE_DESCRIPTOR_SET).unwrap();
    let file = files.file.iter().find(|file| file.name() == "subrosa/v1/errors.proto").unwrap();
    let index = file.enum_type.iter().position(|e| e.name() == "ErrorReason").unwrap();
    let comments = file.source_code_info.as_ref().unwrap();
    let comment = |value: usize| {
        let path = [ENUM_OF_FILE, index as i32, VALUE_OF_ENUM, value as i32];
        comments.location.iter().find(|location| location.path == path).map(|l| l.leading_comments()).unwrap_or("")
    };
    let values = file.enum_type[index].value.iter().enumerate();
    values
        .filter(|(_, value)| value.number() != 0)
        .map(|(i, value)| {
            let reason = ErrorReason::try_from(value.number()).unwrap().reason();
            let code = comment(i).trim().strip_prefix('[').and_then(|rest| rest.split_once(']')).unwrap_or_default().0;
            (reason.to_owned(), code.to_owned())
        })
        .collect()
}

/// The pages by the reason in their file's name.
fn pages() -> BTreeMap<String, String> {
    let files = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    files
        .filter(|path| !path.ends_with(INDEX))
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(&path).unwrap()))
        .collect()
}

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/errors"))
}

/// The one file of the folder that is not a page.
const INDEX: &str = "README.md";

/// Field numbers of `enum_type` and of `value` in `descriptor.proto`, as source locations spell a path.
const ENUM_OF_FILE: i32 = 5;
const VALUE_OF_ENUM: i32 = 2;

/// The codes that the vault uses (<https://grpc.io/docs/guides/status-codes/>).
const GRPC_CODES: [&str; 13] = [
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];
