//! Which crate may depend on which (docs/architecture.md), and what else the shape of the code promises.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

const DOMAIN: &str = "prediction-domain";
const TESTKIT: &str = "prediction-domain-testkit";
const POSTGRES: &str = "prediction-adapters-postgres";
const PG_SQLSTATE: &str = "prediction-pg-sqlstate";
const SQLITE: &str = "prediction-adapters-sqlite";
const CONSOLE: &str = "prediction-console";
const HTTP: &str = "prediction-http";
const STRICT_JSON: &str = "prediction-strict-json";
const MANIFEST: &str = "prediction-manifest";
const UNITS: &str = "prediction-units";
const WIRE: &str = "prediction-wire";
const IDENTITY: &str = "prediction-identity";
const CLIENT: &str = "prediction-client";
const CLI: &str = "prediction-cli";
const SYSTEM: &str = "prediction-adapters-system";
const WEB: &str = "prediction-adapters-web";
const SERVER: &str = "prediction-server";

/// Every crate, and which others of the workspace it is made of.
const ALLOWED: [(&str, &[&str]); 17] = [
    (DOMAIN, &[]),
    (TESTKIT, &[DOMAIN]),
    (POSTGRES, &[DOMAIN, PG_SQLSTATE]),
    (PG_SQLSTATE, &[]),
    (SQLITE, &[DOMAIN]),
    (STRICT_JSON, &[DOMAIN]),
    (MANIFEST, &[]),
    (UNITS, &[DOMAIN]),
    (IDENTITY, &[DOMAIN, STRICT_JSON]),
    (WIRE, &[DOMAIN, STRICT_JSON]),
    (CONSOLE, &[]),
    (HTTP, &[DOMAIN, CONSOLE, IDENTITY, WIRE]),
    (CLIENT, &[WIRE]),
    (SYSTEM, &[DOMAIN]),
    (WEB, &[IDENTITY, STRICT_JSON]),
    (CLI, &[DOMAIN, IDENTITY, CLIENT, SYSTEM, MANIFEST]),
    (SERVER, &[DOMAIN, POSTGRES, SQLITE, IDENTITY, HTTP, SYSTEM, UNITS, WEB, CLI]),
];

/// What the domain may be made of: values, and nothing that speaks to the world.
const OF_THE_DOMAIN: [&str; 12] = [
    "chrono",
    "mockall",
    "serde",
    "serde_json",
    "sha2",
    "smallvec",
    "smol_str",
    "strsim",
    "thiserror",
    "unicase",
    "unicode-normalization",
    "uuid",
];

/// Lines. What is longer is more than one room.
const LONGEST_FILE: usize = 500;

/// How wide a comment is at the most, as code is (rustfmt.toml).
const COLUMNS: usize = 120;

/// The page about the architecture shows the same: its table in the last column, its picture by arrows.
#[test]
fn the_architecture_page_shows_which_crates_depend_on_which() {
    type Edges<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;
    let short = |name: &'static str| name.strip_prefix("prediction-").unwrap();
    let allowed = ALLOWED.iter().map(|(name, on)| (short(name), on.iter().copied().map(short).collect()));
    let allowed: Edges<'_> = allowed.collect();
    let page = fs::read_to_string(workspace().join("docs/architecture.md")).unwrap();

    let (_, table) = page.split_once("| may depend on |\n").unwrap();
    let rows = table.lines().skip(1).take_while(|line| line.starts_with('|'));
    let table: Edges<'_> = rows
        .map(|row| {
            let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
            let name = cells[0].trim_matches('`');
            let on = match cells[2] {
                "all" => allowed[name].clone(),
                others => others.split('`').skip(1).step_by(2).collect(),
            };
            (name, on)
        })
        .collect();
    assert_eq!(table, allowed, "the table");

    let (_, picture) = page.split_once("```mermaid\n").unwrap();
    let (picture, _) = picture.split_once("```").unwrap();
    let mut names = BTreeMap::new();
    let mut drawn = Edges::new();
    for line in picture.lines().map(str::trim) {
        if let Some((node, label)) = line.split_once("[\"<b>") {
            names.insert(node, label.split_once("</b>").unwrap().0);
        } else if let Some((from, to)) = line.split_once(" --> ") {
            for from in from.split(" & ") {
                drawn.entry(names[from]).or_default().extend(to.split(" & ").map(|to| names[to]));
            }
        }
    }
    let mut with_arrows = allowed;
    with_arrows.retain(|_, on| !on.is_empty());
    assert_eq!(drawn, with_arrows, "the picture");
}

#[test]
fn crates_depend_only_on_those_that_they_may() {
    let packages = packages();
    let members: BTreeSet<&str> = packages.keys().map(String::as_str).collect();
    let table: BTreeMap<&str, &[&str]> = ALLOWED.into_iter().collect();
    assert_eq!(members, table.keys().copied().collect(), "the members of the workspace are those of the table");
    for (name, package) in &packages {
        for dependency in dependencies(package) {
            let other = dependency["name"].as_str().unwrap();
            if !members.contains(other) {
                continue;
            }
            let is_for_tests = dependency["kind"] == "dev";
            let may = table[name.as_str()].contains(&other)
                || is_for_tests && (name == SERVER || [DOMAIN, TESTKIT].contains(&other));
            assert!(may, "{name} may not depend on {other} (kind: {})", dependency["kind"]);
        }
    }
}

#[test]
fn the_domain_is_made_of_values() {
    for dependency in dependencies(&packages()[DOMAIN]) {
        let name = dependency["name"].as_str().unwrap();
        if dependency["kind"] == "dev" {
            continue;
        }
        assert!(OF_THE_DOMAIN.contains(&name), "the domain may not depend on {name}");
        if name == "mockall" {
            assert_eq!(dependency["optional"], true, "mocks are for tests");
        }
    }
}

/// What a service takes in with the domain: its values need no clock, no randomness and no network.
#[test]
fn the_domain_brings_few_crates() {
    const MOST: usize = 30;
    let tree = ["tree", "--package", DOMAIN, "--edges", "normal", "--prefix", "none", "--locked", "--offline"];
    let output = Command::new(env!("CARGO")).args(tree).current_dir(workspace()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let names: BTreeSet<&str> = text.lines().filter_map(|line| line.split(' ').next()).collect();
    let names: Vec<&str> = names.into_iter().filter(|name| !["", DOMAIN].contains(name)).collect();
    assert!(names.len() <= MOST, "{} crates: {names:?}", names.len());
}

/// The lints of the workspace forbid unsafe code. One crate, which does nothing else, has lints of its own.
#[test]
fn unsafe_code_is_in_one_crate() {
    for member in fs::read_dir(workspace().join("crates")).unwrap() {
        let folder = member.unwrap().path();
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        let has_common_lints = manifest.contains("\n[lints]\nworkspace = true\n");
        assert_eq!(has_common_lints, !folder.ends_with("pg-sqlstate"), "{}", folder.display());
    }
}

/// The release before runs on while a migration is applied, and afterwards (migrations/README.md). A rename, or
/// something that is gone, would end it. Triggers, functions and indexes may be replaced: no program names them.
#[test]
fn migrations_only_add() {
    let mut count = 0;
    for database in ["postgres", "sqlite"] {
        for entry in fs::read_dir(workspace().join("migrations").join(database)).unwrap() {
            let file = entry.unwrap().path().join("up.sql");
            let text = fs::read_to_string(&file).unwrap().to_uppercase();
            let lines = text.lines().map(|line| line.split("--").next().unwrap_or_default());
            let words: Vec<&str> = lines.flat_map(str::split_whitespace).collect();
            for taken in [
                &["DROP", "TABLE"] as &[&str],
                &["DROP", "COLUMN"],
                &["DROP", "TYPE"],
                &["DROP", "SEQUENCE"],
                &["RENAME"],
                &["SET", "NOT", "NULL"],
                &["SET", "DATA", "TYPE"],
                &["DROP", "DEFAULT"],
            ] {
                let is_there = words.windows(taken.len()).any(|part| part == taken);
                assert!(!is_there, "{} has {}", file.display(), taken.join(" "));
            }
            count += 1;
        }
    }
    assert!(count >= 24, "only {count} migrations were found");
}

#[test]
fn no_file_is_long() {
    let mut count = 0;
    for member in fs::read_dir(workspace().join("crates")).unwrap() {
        for file in files(&member.unwrap().path()) {
            let lines = fs::read_to_string(&file).unwrap().lines().count();
            assert!(lines <= LONGEST_FILE, "{} has {lines} lines", file.display());
            count += 1;
        }
    }
    assert!(count > 50, "only {count} files were found");
}

/// rustfmt wraps code, and leaves comments as they are.
#[test]
fn comments_are_wrapped() {
    let (mut count, mut long) = (0, Vec::new());
    for member in fs::read_dir(workspace().join("crates")).unwrap() {
        for file in files(&member.unwrap().path()) {
            let text = fs::read_to_string(&file).unwrap();
            for (number, line) in text.lines().enumerate().filter(|(_, line)| line.trim_start().starts_with("//")) {
                let columns = line.chars().count();
                if columns > COLUMNS && !line.contains("//! |") {
                    long.push(format!("{}:{}: {columns} columns", file.display(), number + 1));
                }
                count += 1;
            }
        }
    }
    assert!(long.is_empty(), "{}", long.join("\n"));
    assert!(count > 5_000, "only {count} lines of comments were found");
}

#[test]
fn the_layers_of_the_domain_refer_only_downwards() {
    let source = workspace().join("crates/domain/src");
    for (layer, forbidden) in [
        ("model", &["crate::requests", "crate::ports", "crate::use_cases"] as &[&str]),
        ("requests", &["crate::ports", "crate::use_cases"]),
        ("ports", &["crate::requests", "crate::use_cases"]),
    ] {
        let inner = files(&source.join(layer));
        assert!(!inner.is_empty(), "{layer} has files");
        for file in inner {
            let text = fs::read_to_string(&file).unwrap();
            for name in forbidden {
                assert!(!text.contains(name), "{} mentions {name}", file.display());
            }
        }
        // What documents the layer says what it must not refer to.
        let root = fs::read_to_string(source.join(layer).with_extension("rs")).unwrap();
        for line in root.lines().filter(|line| !line.trim_start().starts_with("//")) {
            assert!(!forbidden.iter().any(|name| line.contains(name)), "{layer}.rs: {line}");
        }
    }
}

/// The members of the workspace, by name.
fn packages() -> BTreeMap<String, Value> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(workspace())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap().iter();
    packages.map(|package| (package["name"].as_str().unwrap().to_owned(), package.clone())).collect()
}

fn dependencies(package: &Value) -> &[Value] {
    package["dependencies"].as_array().unwrap()
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The Rust files in a folder and in those below it.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}
