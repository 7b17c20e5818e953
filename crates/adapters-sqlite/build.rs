//! Builds this crate anew when a migration is added: `embed_migrations!` alone notices only changes to those it knows.

fn main() {
    println!("cargo::rerun-if-changed=../../migrations/sqlite");
}
