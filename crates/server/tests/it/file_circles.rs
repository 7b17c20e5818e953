//! No two files of a crate import from each other, directly or by way of others: each can be read before those that use
//! it.
//!
//! A module and what is below it are one thing here: a parent names its children, and these may use what it defines.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The path of a module below its crate.
type Module = Vec<String>;

#[test]
fn no_files_import_from_each_other() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut circles = Vec::new();
    let mut count = 0;
    for member in fs::read_dir(crates).unwrap() {
        let source = member.unwrap().path().join("src");
        let modules = modules(&source, &source);
        count += modules.len();
        let imports = imports(&modules);
        for module in modules.keys().filter(|module| reaches(&imports, module)) {
            circles.push(module.join("/"));
        }
    }
    assert!(count > 250, "only {count} files were found");
    assert_eq!(circles, Vec::<String>::new(), "files that are reached by what they import");
}

/// Every file, as the module that it is, without its unit tests and comments.
fn modules(source: &Path, folder: &Path) -> BTreeMap<Module, String> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(modules(source, &path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let relative = path.strip_prefix(source).unwrap().with_extension("");
            let mut module: Module =
                relative.components().map(|part| part.as_os_str().to_str().unwrap().to_owned()).collect();
            if [["lib"], ["main"]].iter().any(|root| module == root) {
                module.clear();
            }
            let text = fs::read_to_string(&path).unwrap();
            let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
            let lines = text.lines().map(|line| line.split("//").next().unwrap_or_default());
            found.insert(module, lines.collect::<Vec<_>>().join(" "));
        }
    }
    found
}

/// Which other files each imports from, but for those that it is below or above.
fn imports(modules: &BTreeMap<Module, String>) -> BTreeMap<&Module, BTreeSet<&Module>> {
    let is_below = |one: &Module, other: &Module| one.starts_with(other);
    let of = |(module, text): (&'_ Module, &String)| {
        let statements = text.split("use ").skip(1).filter_map(|rest| rest.split_once(';')).map(|(tree, _)| tree);
        let paths = statements.flat_map(|tree| paths(&tree.split_whitespace().collect::<Vec<_>>().join(" ")));
        let files: BTreeSet<Module> =
            paths.chain(written_out(text)).filter_map(|path| file(modules, module, &path)).collect();
        files.into_iter().filter(|other| !is_below(other, module) && !is_below(module, other)).collect::<Vec<_>>()
    };
    modules
        .iter()
        .map(|entry| {
            let imported = of(entry);
            (entry.0, modules.keys().filter(|module| imported.contains(module)).collect())
        })
        .collect()
}

/// Paths from the root of the crate, also outside of imports.
fn written_out(text: &str) -> impl Iterator<Item = String> {
    text.match_indices("crate::").map(|(place, _)| {
        let path = text[place..].split(|character: char| !character.is_alphanumeric() && !"_:".contains(character));
        path.take(1).map(|path| path.trim_end_matches(':')).collect()
    })
}

/// The paths of a tree of imports: `a::{b, c::d}` is `a::b` and `a::c::d`.
fn paths(tree: &str) -> Vec<String> {
    let Some((prefix, rest)) = tree.split_once('{') else { return vec![tree.trim().to_owned()] };
    let inner = rest.rsplit_once('}').map_or(rest, |(inner, _)| inner);
    let mut parts = vec![String::new()];
    let mut depth = 0_i32;
    for character in inner.chars() {
        depth += i32::from(character == '{') - i32::from(character == '}');
        if character == ',' && depth == 0 {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(character);
        }
    }
    let whole = parts.iter().filter(|part| !part.trim().is_empty()).flat_map(|part| paths(part.trim()));
    whole.map(|part| format!("{}{part}", prefix.trim())).collect()
}

/// The file that a path leads into.
fn file(modules: &BTreeMap<Module, String>, module: &Module, path: &str) -> Option<Module> {
    let mut segments = path.split("::").map(str::trim).peekable();
    let mut place = match *segments.peek()? {
        "crate" => Module::new(),
        "super" | "self" => module.clone(),
        child if modules.contains_key(&[module.as_slice(), &[child.to_owned()]].concat()) => module.clone(),
        _ => return None,
    };
    while let Some(segment) = segments.next_if(|segment| ["crate", "super", "self"].contains(segment)) {
        if segment == "super" {
            place.pop();
        }
    }
    for segment in segments {
        let below = [place.as_slice(), &[segment.to_owned()]].concat();
        if !modules.contains_key(&below) {
            break;
        }
        place = below;
    }
    (place != *module && modules.contains_key(&place)).then_some(place)
}

/// Whether a file is reached by what it imports.
fn reaches(imports: &BTreeMap<&Module, BTreeSet<&Module>>, start: &Module) -> bool {
    let mut open: Vec<&Module> = imports[start].iter().copied().collect();
    let mut seen = BTreeSet::new();
    while let Some(module) = open.pop() {
        if module == start {
            return true;
        }
        if seen.insert(module) {
            open.extend(&imports[module]);
        }
    }
    false
}
