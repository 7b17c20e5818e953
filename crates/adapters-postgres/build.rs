//! Makes a list of the migrations, with their texts: `migrations.rs` runs them by itself, to see what the server says.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let folder =
        Path::new(&env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?).join("../../migrations/postgres");
    let folder = folder.canonicalize()?;
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder)? {
        names.push(
            entry?
                .file_name()
                .into_string()
                .map_err(|name| io::Error::other(format!("{} is no name", name.display())))?,
        );
    }
    names.sort();
    let mut list = "&[\n".to_owned();
    for name in names {
        let up = folder.join(&name).join("up.sql").display().to_string();
        let _ = writeln!(list, "    Migration {{ name: {name:?}, up: include_str!({up:?}) }},");
    }
    list.push_str("]\n");
    let out = env::var("OUT_DIR").map_err(io::Error::other)?;
    fs::write(Path::new(&out).join("migrations.rs"), list)
}
