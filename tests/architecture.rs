//! Reads every path that the code of `src/` takes from one room to another and fails on an arrow that points back.
//!
//! The rooms stand on levels; a room may use the rooms of lower levels only, never one of its own level:
//!
//! ```text
//! 0 domain   1 clock   2 redaction, sealing, lifecycle, audit   3 store   4 keys, access, watch   5 vault
//! 6 grpc, http, cli   7 app
//! ```
//!
//! Two things are decided here:
//!
//! - The commands that run a vault in this process (`serve`, `dev`, `init`, `demo`) do not call `app`: `cli` states what it
//!   needs as the trait `cli::Host`, `app` implements it, and `main.rs` hands the one to the other. So `app` may use
//!   everything, nothing but `main.rs` uses `app`, and no cycle can come about. The commands are clients otherwise: they
//!   never reach the rooms that hold data, keys or rights ([`EXACT`]).
//! - `config` is plain data. `app` and `cli` read it and hand each room what it needs, so that no room depends on how it
//!   is configured; `watch` alone reads its own section, as the log is set up before there is anything else.
//!
//! Test modules count as well: a test that needs a room above its own belongs into that room, or into `tests/`.
//! Comments do not count, so that a doc comment may link upwards.

#![allow(clippy::unwrap_used, reason = "a test that cannot read what it tests has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The level of every room. A room that is not here fails the test, so that a new one has to be given its place.
const LEVELS: &[(&str, u8)] = &[
    ("domain", 0),
    ("clock", 1),
    ("redaction", 2),
    ("sealing", 2),
    ("lifecycle", 2),
    ("audit", 2),
    ("store", 3),
    ("config", 3),
    ("keys", 4),
    ("access", 4),
    ("watch", 4),
    ("vault", 5),
    ("grpc", 6),
    ("http", 6),
    ("cli", 6),
    ("app", 7),
];

/// Rooms whose imports are narrower than their level allows.
const EXACT: &[(&str, &[&str])] = &[
    ("config", &["domain", "sealing"]),
    ("cli", &["domain", "clock", "redaction", "sealing", "lifecycle", "audit", "config", "watch"]),
    ("main", &["app", "cli"]),
];

/// Rooms that only these rooms may use.
const RESERVED: &[(&str, &[&str])] =
    &[("config", &["app", "cli", "watch"]), ("app", &["main"]), ("cli", &["app", "main"])];

/// Most lines of one file of `src/`.
const MAX_LINES: usize = 500;

#[test]
fn no_arrow_points_back() {
    let faults: Vec<String> = sources("src").iter().flat_map(|(path, text)| back_arrows(path, text)).collect();
    assert!(faults.is_empty(), "{} arrows point back:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn the_rooms_that_are_there_have_a_level() {
    let levels: BTreeMap<_, _> = LEVELS.iter().copied().collect();
    let unknown: BTreeSet<_> = sources("src")
        .keys()
        .map(|path| room_of(path))
        .filter(|room| !is_root(room) && !levels.contains_key(room.as_str()))
        .collect();
    assert!(unknown.is_empty(), "give these rooms a level in LEVELS: {unknown:?}");
}

#[test]
fn no_file_is_too_long() {
    let long: Vec<_> =
        sources("src").into_iter().filter(|(_, text)| text.lines().count() > MAX_LINES).map(|(p, _)| p).collect();
    assert!(long.is_empty(), "over {MAX_LINES} lines: {long:?}");
}

/// What a command prints goes through `terminal::Screen`, which neutralises it. `redact` is a filter, and goes through
/// `terminal::Filter`; the passphrase prompt is a constant, and so is what an import line is said to need.
#[test]
fn commands_print_through_the_screen_alone() {
    let exempt = ["src/cli/terminal.rs", "src/cli/redact.rs", "src/cli/redact/plain.rs", "src/cli/redact/lines.rs"];
    let faults: Vec<_> = sources("src/cli")
        .into_iter()
        .filter(|(path, _)| !exempt.contains(&path.as_str()))
        .flat_map(|(path, text)| written_past_the_screen(&text).map(move |call| format!("{path}: {call}")))
        .collect();
    assert_eq!(faults, ["src/cli/import/lines.rs: .write_str(", "src/cli/init.rs: .write_str("]);
    let caught: Vec<_> = written_past_the_screen("fn f() { println!(\"x\"); to.write_all(b\"x\") }").collect();
    assert_eq!(caught, ["println!(", ".write_all("]);
}

/// The calls that write to a stream, in what stands before the tests of a file.
fn written_past_the_screen(source: &str) -> impl Iterator<Item = &'static str> + use<> {
    let code = strip_comments(source);
    let code = code.split("#[cfg(test)]").next().unwrap_or_default().to_owned();
    let code = code.replace("eprintln!(", "println!(").replace("eprint!(", "print!(");
    let calls = ["println!(", "print!(", "writeln!(", "write!(", ".write_all(", ".write_str(", ".write("];
    calls.into_iter().filter(move |call| code.contains(call))
}

#[test]
fn the_protocol_knows_nothing_of_the_house() {
    let faults: Vec<_> = sources("proto")
        .into_iter()
        .filter(|(_, text)| {
            paths(text).iter().any(|p| p == "subrosa" || p.starts_with("subrosa::"))
                || strip_comments(text).contains("../src")
        })
        .map(|(path, _)| path)
        .collect();
    assert!(faults.is_empty(), "proto/ imports from src/: {faults:?}");
}

#[test]
fn an_arrow_that_points_back_is_found() {
    for (path, source) in [
        ("src/domain/ids.rs", "use crate::store::Store;"),
        ("src/sealing/record.rs", "use crate::audit::Hash;"),
        ("src/store/sqlite/mod.rs", "use crate::{\n    domain::Id,\n    vault::{Ingest, Read},\n};"),
        ("src/keys/cache.rs", "fn f() { let x = crate::access::Principal::new(); }"),
        ("src/vault/read.rs", "use super::super::grpc::status;"),
        ("src/vault/read.rs", "use super::{one, super::grpc::two};"),
        ("src/redaction.rs", "use super::vault::Ingest;"),
        ("src/vault/mod.rs", "#[cfg(test)]\nmod tests {\n    use crate::app::start;\n}"),
        ("src/vault/mod.rs", "mod inner { use super::super::grpc; }"),
        ("src/domain/mod.rs", "use subrosa::keys::Kek;"),
        ("src/domain/mod.rs", "pub(in crate::vault) struct A;"),
        ("src/store/mod.rs", "use crate::config::Config;"),
        ("src/store/mod.rs", "use crate::*;"),
        ("src/store/mod.rs", "use crate::{self as house};"),
        ("src/cli/read.rs", "use crate::store::Store;"),
        ("src/cli/serve.rs", "use crate::app::App;"),
        ("src/grpc/mod.rs", "use crate::cli::Output;"),
        ("src/config/mod.rs", "use crate::clock::Clock;"),
        ("src/main.rs", "use subrosa::vault::Vault;"),
        ("src/keys/mod.rs", "use r#crate::cellar::Wine; use crate::cellar::Wine;"),
    ] {
        assert!(!back_arrows(path, source).is_empty(), "not found in {path}: {source}");
    }
}

#[test]
fn an_arrow_that_points_on_is_left_alone() {
    for (path, source) in [
        ("src/vault/ingest.rs", "use crate::{access::Authorized, domain::Record, keys, store::{Store, Work}};"),
        ("src/store/work.rs", "use crate::audit::Entry;\nuse crate::sealing::Sealed;"),
        (
            "src/store/work.rs",
            "/// See [`crate::vault::Ingest`].\n// crate::vault\n/* crate::vault /* crate::grpc */ */",
        ),
        (
            "src/store/work.rs",
            "const HELP: &str = \"use crate::vault::Ingest\"; const R: &str = r#\"crate::\"vault\"#;",
        ),
        (
            "src/audit/leaf.rs",
            "use super::hash::Hash; mod tests { use super::super::hash::x; use crate::audit::Hash; }",
        ),
        ("src/app.rs", "use crate::{config::Config, grpc, store::sqlite, vault::Vault};"),
        ("src/cli/serve.rs", "use crate::watch::log; use crate::config::Config; fn f<'a>(x: &'a str) -> char { '\"' }"),
        ("src/main.rs", "use subrosa::app::App; fn main() { subrosa::cli::run(&App); }"),
        ("src/app.rs", "use crate::cli::Host; pub(crate) struct App; pub(super) fn subrosa() {}"),
        ("src/lib.rs", "pub mod vault; pub use crate::vault::Vault;"),
        ("src/grpc/ingest.rs", "use subrosa_proto::v1; use crate::vault::Vault;"),
    ] {
        assert_eq!(back_arrows(path, source), Vec::<String>::new(), "{path}: {source}");
    }
}

/// The paths in the source of the file at `path` that its room may not take, in words.
fn back_arrows(path: &str, source: &str) -> Vec<String> {
    let from = room_of(path);
    let here = module_of(path);
    let mut faults = BTreeSet::new();
    for taken in paths(source) {
        if let Some(to) = target_room(&here, &taken)
            && !may_use(&from, &to)
        {
            faults.insert(format!("{path}: {from} -> {to} ({taken})"));
        }
    }
    faults.into_iter().collect()
}

/// Whether `from` may use `to`.
fn may_use(from: &str, to: &str) -> bool {
    if from == to || from == "lib" {
        return true;
    }
    let level = |room: &str| LEVELS.iter().find(|(name, _)| *name == room).map(|(_, level)| *level);
    let listed = |table: &[(&str, &[&str])], key: &str, value: &str| {
        table.iter().find(|(name, _)| *name == key).map(|(_, values)| values.contains(&value))
    };
    if listed(RESERVED, to, from) == Some(false) {
        return false;
    }
    match listed(EXACT, from, to) {
        Some(allowed) => allowed,
        None => matches!((level(from), level(to)), (Some(from), Some(to)) if to < from),
    }
}

/// The room that a path leads to from the module `here`; none when it stays in its file's room or leaves the crate.
///
/// `super` is counted as if every path stood at the top of its file. Deeper inside, in a `mod tests`, it leads one
/// module less far, so a path is only ever taken to lead higher than it does; a `super` too many (which would not
/// compile at the top) is read as one that stays below the root.
fn target_room(here: &[String], path: &str) -> Option<String> {
    let mut segments = path.split("::").peekable();
    match segments.next()? {
        "crate" | "subrosa" => Some(segments.next().unwrap_or(WHOLE_HOUSE).to_owned()),
        "super" => {
            let mut up = 1;
            while segments.next_if_eq(&"super").is_some() {
                up += 1;
            }
            let next = segments.next().unwrap_or(WHOLE_HOUSE);
            (up >= here.len() && is_room(next)).then(|| next.to_owned())
        }
        _ => None,
    }
}

/// Stands for a path that imports the root of the crate whole, which hides what is used.
const WHOLE_HOUSE: &str = "*";

fn is_room(name: &str) -> bool {
    LEVELS.iter().any(|(room, _)| *room == name)
}

fn is_root(room: &str) -> bool {
    matches!(room, "lib" | "main")
}

/// The room that the file at `src/...` belongs to: `lib` and `main` for the roots.
fn room_of(path: &str) -> String {
    let inside = path.strip_prefix("src/").unwrap_or(path);
    inside.split('/').next().unwrap_or(inside).trim_end_matches(".rs").to_owned()
}

/// The module of the file at `src/...`, as its path from the root of the crate.
fn module_of(path: &str) -> Vec<String> {
    let inside = path.strip_prefix("src/").unwrap_or(path).trim_end_matches(".rs");
    let parts = inside.split('/').filter(|part| *part != "mod" && !is_root(part));
    parts.map(str::to_owned).collect()
}

/// Every path in the source that begins with `crate`, `subrosa` or `super`, groups in braces written out.
fn paths(source: &str) -> Vec<String> {
    let tokens = tokens(&strip_comments(source));
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let root = matches!(tokens[at].as_str(), "crate" | "subrosa" | "super");
        let begins = at == 0 || tokens[at - 1] != "::";
        // Without `::` behind it, it is a visibility such as `pub(crate)`, or a name.
        if root && begins && tokens.get(at + 1).is_some_and(|next| next == "::") {
            expand(&tokens, &mut at, "", &mut found);
        } else {
            at += 1;
        }
    }
    found
}

/// Reads one path from `at` on, with its groups, and leaves `at` behind it.
fn expand(tokens: &[String], at: &mut usize, prefix: &str, found: &mut Vec<String>) {
    let mut path = prefix.to_owned();
    while *at < tokens.len() {
        match tokens[*at].as_str() {
            "{" => {
                *at += 1;
                while *at < tokens.len() && tokens[*at] != "}" {
                    let before = *at;
                    expand(tokens, at, &path, found);
                    skip_alias(tokens, at);
                    *at += usize::from(*at == before || tokens.get(*at).is_some_and(|token| token == ","));
                }
                *at += 1;
                return;
            }
            token if is_word(token) || token == "*" => {
                // `a::{self}` names `a`.
                let whole = token == "self" && !path.is_empty();
                if !whole {
                    path = if path.is_empty() { token.to_owned() } else { format!("{path}::{token}") };
                }
                *at += 1;
                if tokens.get(*at).is_some_and(|next| next == "::") {
                    *at += 1;
                } else {
                    break;
                }
            }
            _ => break,
        }
    }
    if path != prefix || !path.is_empty() {
        found.push(path);
    }
}

fn skip_alias(tokens: &[String], at: &mut usize) {
    if tokens.get(*at).is_some_and(|token| token == "as") {
        *at += 2;
    }
}

fn is_word(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Words, `::`, and every other character by itself; raw identifiers lose their `r#`.
fn tokens(source: &str) -> Vec<String> {
    let source = source.replace("r#", " ");
    let mut tokens = Vec::new();
    let mut rest = source.as_str();
    while let Some(first) = rest.chars().next() {
        let length = if first.is_alphanumeric() || first == '_' {
            rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())
        } else if rest.starts_with("::") {
            2
        } else {
            first.len_utf8()
        };
        if !first.is_whitespace() {
            tokens.push(rest[..length].to_owned());
        }
        rest = &rest[length..];
    }
    tokens
}

/// The source with its comments and the insides of its strings blanked out.
fn strip_comments(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            block_comment(rest)
        } else if let Some(length) = raw_string(rest, out.chars().next_back()) {
            length
        } else if first == '"' {
            string(rest)
        } else if let Some(length) = char_literal(rest) {
            length
        } else {
            out.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        };
        out.push(' ');
        rest = &rest[length..];
    }
    out
}

/// The length of the block comment, nested ones included, at the front of `rest`.
fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0usize, 0);
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if rest[at..].starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

/// The length of the raw string at the front of `rest`, if there is one.
fn raw_string(rest: &str, before: Option<char>) -> Option<usize> {
    if before.is_some_and(|c| c.is_alphanumeric() && c != 'b' || c == '_') {
        return None;
    }
    let after = rest.strip_prefix('r')?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    let body = after[hashes..].strip_prefix('"')?;
    let close = format!("\"{}", "#".repeat(hashes));
    let end = body.find(&close).map_or(body.len(), |end| end + close.len());
    Some(1 + hashes + 1 + end)
}

/// The length of the string at the front of `rest`.
fn string(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// The length of the character literal at the front of `rest`, if it is one and no lifetime.
fn char_literal(rest: &str) -> Option<usize> {
    let body = rest.strip_prefix('\'')?;
    let mut chars = body.char_indices();
    let (_, first) = chars.next()?;
    if first == '\\' {
        let end = body[2..].find('\'')?;
        return Some(1 + 2 + end + 1);
    }
    let (at, second) = chars.next()?;
    (second == '\'').then_some(1 + at + 1)
}

/// Every Rust file under `folder` with its text, by its path from the root of the package.
fn sources(folder: &str) -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = BTreeMap::new();
    let mut folders: Vec<PathBuf> = vec![root.join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
                files.insert(name, fs::read_to_string(&path).unwrap());
            }
        }
    }
    assert!(!files.is_empty(), "no Rust file under {folder}");
    files
}
