//! Holds the documents for operators to the program: every command in them parses, every key of the configuration is there,
//! every link leads somewhere, and every reason that an operator meets has its line. The unit and the Containerfile too.
//!
//! Commands are read where a shell would: in `console` blocks, after `$ ` or `# `, and in code between backquotes.

#![allow(clippy::unwrap_used, reason = "a test that cannot read what it tests has failed")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use clap::{Command, CommandFactory as _};
use subrosa::cli::Cli;
use subrosa::config::Config;
use subrosa::domain::{Reason, Role};

#[test]
fn every_command_in_a_block_parses() {
    let mut tried = 0;
    for (path, page) in pages() {
        for line in console(&page) {
            for words in commands(&line) {
                tried += 1;
                let words = words.iter().map(String::as_str);
                let parsed = Cli::command().try_get_matches_from(std::iter::once("subrosa").chain(words));
                let fault = parsed.err().filter(clap::Error::use_stderr);
                assert!(fault.is_none(), "{path}: {line}\n{}", fault.unwrap());
            }
        }
    }
    assert!(tried > 30, "only {tried} commands were found: the test reads the pages wrongly");
}

#[test]
fn every_command_between_backquotes_is_there() {
    let mut tried = 0;
    for (path, page) in pages() {
        for code in inline(&page) {
            if let Some(words) = code.strip_prefix("subrosa ") {
                tried += 1;
                assert_eq!(known(words), Ok(()), "{path}: `{code}`");
            }
        }
    }
    assert!(tried > 30, "only {tried} commands were found: the test reads the pages wrongly");
}

#[test]
fn every_key_of_the_configuration_is_there() {
    let (keys, mut tried) = (keys(), 0);
    let sections: BTreeSet<&str> = keys.iter().filter_map(|key| Some(key.split_once('.')?.0)).collect();
    for (path, page) in pages().into_iter().chain(units()) {
        for key in settings(&page, &sections) {
            tried += 1;
            assert!(keys.contains(&key), "{path}: there is no key {key}");
        }
    }
    assert!(tried > 40, "only {tried} keys were found: the test reads the pages wrongly");
}

#[test]
fn every_block_of_toml_is_a_configuration() {
    let mut tried = 0;
    for (path, page) in pages() {
        for block in blocks(&page, "toml") {
            tried += 1;
            let table: toml::Table = block.parse().unwrap_or_else(|error| panic!("{path}: {error}"));
            for (section, inside) in &table {
                for key in inside.as_table().unwrap().keys() {
                    assert!(keys().contains(&format!("{section}.{key}")), "{path}: there is no key {section}.{key}");
                }
            }
        }
    }
    assert!(tried > 0, "no block of TOML was found");
}

#[test]
fn every_link_leads_somewhere() {
    let mut tried = 0;
    for (path, page) in pages() {
        let folder = root().join(&path).parent().unwrap().to_owned();
        for link in links(&page).filter(|link| !link.contains("://")) {
            tried += 1;
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let to = if file.is_empty() { root().join(&path) } else { folder.join(file) };
            assert!(to.exists(), "{path}: {link} leads nowhere");
            if !anchor.is_empty() {
                let page = fs::read_to_string(&to).unwrap();
                assert!(anchors(&page).contains(anchor), "{path}: {link}: no such heading");
            }
        }
    }
    assert!(tried > 80, "only {tried} links were found: the test reads the pages wrongly");
}

#[test]
fn every_reason_that_an_operator_meets_has_its_line() {
    let page = read("docs/operations/troubleshooting.md");
    let by_reason = page.split("## By reason").nth(1).unwrap().split("\n## ").next().unwrap();
    let mut met = 0;
    for reason in Reason::ALL {
        let theirs = read(&format!("docs/errors/{}.md", reason.as_str()));
        let who = theirs.split("## Who meets it").nth(1).unwrap().split("\n## ").next().unwrap();
        if ["perator", "Every caller", "Anyone"].iter().any(|word| who.contains(word)) {
            met += 1;
            let link = format!("[{0}](../errors/{0}.md)", reason.as_str());
            assert!(by_reason.contains(&link), "troubleshooting.md says nothing of {reason} by reason");
        }
    }
    assert!(met > 10, "only {met} reasons are an operator's");
}

#[test]
fn what_unit_and_image_run_parses() {
    let unit = read("packaging/subrosa.service");
    let start = unit.lines().find_map(|line| line.strip_prefix("ExecStart=/usr/local/bin/subrosa ")).unwrap();
    let image = read("Containerfile");
    let start_of_image = image.lines().find_map(|line| line.strip_prefix("CMD ")).filter(|line| line.contains("serve"));
    let words: Vec<String> = serde_json::from_str(start_of_image.unwrap()).unwrap();
    for words in [start.split(' ').map(str::to_owned).collect(), words] {
        Cli::command().try_get_matches_from(std::iter::once("subrosa".to_owned()).chain(words)).unwrap();
    }
}

#[test]
fn the_reading_of_pages_finds_what_is_wrong() {
    assert_eq!(known("tenant create acme --output json"), Ok(()));
    assert!(known("tenant crate acme").is_err() && known("status --loud").is_err() && known("stat").is_err());
    let line = "X=1 runuser -u subrosa -- subrosa init --data-dir /var/lib/subrosa # say";
    assert_eq!(commands(line), [["init", "--data-dir", "/var/lib/subrosa"]]);
    assert_eq!(commands("systemctl restart subrosa && install -g subrosa x"), Vec::<Vec<String>>::new());
    assert_eq!(commands("echo 'a b' | subrosa redact --explain | head"), [["redact", "--explain"]]);
    assert_eq!(console("```console\n$ a\nout\n   # b\n```\n$ c\n"), ["a", "b"]);
    let sections = BTreeSet::from(["server"]);
    let text = "`server.x_y` server.toml SUBROSA__SERVER__Z=1 --set server.w=2 `server.pem`";
    assert_eq!(settings(text, &sections), ["server.x_y", "server.w", "server.z"]);
    assert_eq!(
        anchors("## The `a` of init\n### Back up, now"),
        ["the-a-of-init", "back-up-now"].map(String::from).into()
    );
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// Every page, by its path from the root.
fn pages() -> Vec<(String, String)> {
    let mut files = vec![PathBuf::from("README.md")];
    let mut folders = vec![PathBuf::from("docs")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root().join(&folder)).unwrap() {
            let path = folder.join(entry.unwrap().file_name());
            match root().join(&path).is_dir() {
                true => folders.push(path),
                false if path.extension().is_some_and(|extension| extension == "md") => files.push(path),
                false => {}
            }
        }
    }
    files.into_iter().map(|path| path.to_str().unwrap().to_owned()).map(|path| (path.clone(), read(&path))).collect()
}

fn units() -> Vec<(String, String)> {
    ["packaging/subrosa.service", "Containerfile"].map(|path| (path.to_owned(), read(path))).to_vec()
}

fn keys() -> BTreeSet<String> {
    Config::documentation().into_iter().map(|key| key.path).collect()
}

/// The fenced blocks of a language, without what they are indented by.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut inside: Option<String> = None;
    for line in page.lines() {
        match (&mut inside, line.trim_start().strip_prefix("```")) {
            (Some(_), Some(_)) => blocks.extend(inside.take()),
            (Some(block), None) => block.push_str(&format!("{}\n", line.trim_start())),
            (None, Some(found)) if found == language => inside = Some(String::new()),
            _ => {}
        }
    }
    blocks
}

/// What is typed in blocks of a console.
fn console(page: &str) -> Vec<String> {
    let typed = |line: &str| Some(line.strip_prefix("$ ").or(line.strip_prefix("# "))?.to_owned());
    blocks(page, "console").iter().flat_map(|block| block.lines().filter_map(typed).collect::<Vec<_>>()).collect()
}

/// The arguments of each `subrosa` on a line: not of a user, a service or a file of that name.
fn commands(line: &str) -> Vec<Vec<String>> {
    let words = shell_words(line);
    let ends = |word: &str| {
        ["|", "||", "&&", ";", "&", "<"].contains(&word) || word.starts_with(['#', '>']) || word.starts_with("2>")
    };
    let mut found = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let program = word == "subrosa" || word == "./target/release/subrosa";
        let of_a_flag = at > 0 && words[at - 1].starts_with('-') && words[at - 1] != "--";
        let arguments: Vec<String> = words[at + 1..].iter().take_while(|word| !ends(word)).cloned().collect();
        if program && !of_a_flag && arguments.first().is_some_and(|first| first != "--" && first != "-n") {
            found.push(arguments);
        }
    }
    found
}

/// Splits a line at spaces outside quotes. A comment stays one word, `#`.
fn shell_words(line: &str) -> Vec<String> {
    let (mut words, mut quote, mut word) = (Vec::new(), None, String::new());
    for char in line.chars() {
        match (quote, char) {
            (None, ' ') => words.extend(Some(std::mem::take(&mut word)).filter(|word| !word.is_empty())),
            (None, '#') if word.is_empty() => {
                words.push("#".to_owned());
                return words;
            }
            (None, '\'' | '"') => quote = Some(char),
            (Some(open), _) if open == char => quote = None,
            _ => word.push(char),
        }
    }
    words.extend(Some(word).filter(|word| !word.is_empty()));
    words
}

/// Code between single backquotes, outside of blocks.
fn inline(page: &str) -> Vec<String> {
    let mut fenced = false;
    let mut text = String::new();
    for line in page.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            text.push_str(line);
            text.push(' ');
        }
    }
    text.split('`').skip(1).step_by(2).map(|code| code.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

/// Tells whether the commands and flags are there; what else is written stands for an argument.
fn known(words: &str) -> Result<(), String> {
    let mut command = Cli::command();
    command.build();
    let mut command: &Command = &command;
    for word in shell_words(words).iter().take_while(|word| !["|", "<", ">", "#", "&&"].contains(&word.as_str())) {
        if let Some(flag) = word.strip_prefix("--") {
            let flag = flag.split('=').next().unwrap_or_default();
            let there = command.get_arguments().any(|argument| argument.get_long() == Some(flag));
            if !there {
                return Err(format!("{} has no --{flag}", command.get_name()));
            }
        } else if let Some(next) = command.find_subcommand(word) {
            command = next;
        } else if command.is_subcommand_required_set() && word != "COMMAND" {
            return Err(format!("{} has no command {word}", command.get_name()));
        }
    }
    Ok(())
}

/// The keys of the configuration that a text names: between backquotes, behind `--set`, and as variables.
fn settings(text: &str, sections: &BTreeSet<&str>) -> Vec<String> {
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let key = |code: &str| {
        let (section, key) = code.split([' ', '=']).next()?.split_once('.')?;
        let file = ["pem", "key", "toml", "crt", "csr", "ext", "db"].contains(&key);
        // `keys.reader` and its like are what `dev --output json` prints.
        let of_dev = section == "keys" && key.parse::<Role>().is_ok();
        (sections.contains(section) && is_word(key) && !file && !of_dev).then(|| format!("{section}.{key}"))
    };
    let mut found: Vec<String> = inline(text).iter().filter_map(|code| key(code)).collect();
    found.extend(text.split("--set ").skip(1).filter_map(key));
    let variable = |rest: &str| {
        let end = rest.find(|char: char| !char.is_ascii_uppercase() && char != '_').unwrap_or(rest.len());
        let (section, key) = rest[..end].split_once("__")?;
        // `SUBROSA__SECTION__KEY` stands for all of them.
        (section != "SECTION").then(|| format!("{}.{}", section.to_lowercase(), key.to_lowercase()))
    };
    found.extend(text.split("SUBROSA__").skip(1).filter_map(variable));
    found
}

fn links(page: &str) -> impl Iterator<Item = String> + '_ {
    page.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0.to_owned()))
}

/// The anchors of the headings, as forges make them.
fn anchors(page: &str) -> BTreeSet<String> {
    let anchor = |line: &str| {
        let heading = line.strip_prefix('#')?.trim_start_matches('#').trim().to_lowercase();
        let kept = heading.chars().filter(|char| char.is_alphanumeric() || " -_".contains(*char));
        Some(kept.map(|char| if char == ' ' { '-' } else { char }).collect())
    };
    page.lines().filter_map(anchor).collect()
}
