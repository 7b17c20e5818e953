//! The console: the files that a browser runs, and what it must be told about them.
//!
//! They are served as they are written: ES modules, without a build. A release build has them inside; a debug build
//! reads them from the folder `static`, so that an edit is seen at the next reload.
//!
//! ```
//! let page = prediction_console::page();
//! assert_eq!(page.content_type, "text/html; charset=utf-8");
//! assert!(prediction_console::file("app.js").is_some_and(|file| file.content_type.starts_with("text/javascript")));
//! assert!(prediction_console::file("../Cargo.toml").is_none());
//! ```

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::LazyLock;

use flate2::Compression;
use flate2::read::GzEncoder;
use rust_embed::{EmbeddedFile, RustEmbed};

/// What the page may do: run and show what comes from this service, and call nothing but this service and these
/// origins, at which a person signs in. No page has it in a frame. There is no inline script and no inline style, so
/// nothing has to be excepted.
///
/// ```
/// let policy = prediction_console::content_security_policy(["https://login.example"]);
/// assert!(policy.contains("connect-src 'self' https://login.example;"));
/// ```
#[must_use]
pub fn content_security_policy<'a>(origins: impl IntoIterator<Item = &'a str>) -> String {
    let called = origins.into_iter().fold("'self'".to_owned(), |called, origin| called + " " + origin);
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src {called}; img-src 'self' data:; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

/// Below which path the page looks for its files.
pub const FOLDER: &str = "/console/";

const PAGE: &str = "index.html";

#[derive(RustEmbed)]
#[folder = "static"]
struct Files;

/// A file of the console. In a release build its bytes are borrowed: no request copies them.
#[derive(Debug, Clone)]
pub struct File {
    /// What the file is, for the header `Content-Type`.
    pub content_type: &'static str,
    /// The digest of the bytes in quotation marks, for the header `ETag`.
    pub entity_tag: String,
    /// The file as it was written.
    pub bytes: Cow<'static, [u8]>,
    /// The same for a browser that takes gzip, as all do.
    pub gzipped: Cow<'static, [u8]>,
}

impl File {
    fn read(name: &str) -> Option<Self> {
        let content_type = content_type(name)?;
        let EmbeddedFile { data, metadata } = Files::get(name)?;
        let entity_tag = entity_tag(&metadata.sha256_hash());
        let mut gzipped = Vec::with_capacity(data.len() / 2);
        GzEncoder::new(&*data, Compression::best()).read_to_end(&mut gzipped).ok()?;
        Some(Self { content_type, entity_tag, bytes: data, gzipped: Cow::Owned(gzipped) })
    }

    fn borrowed(&'static self) -> Self {
        Self {
            content_type: self.content_type,
            entity_tag: self.entity_tag.clone(),
            bytes: Cow::Borrowed(&self.bytes),
            gzipped: Cow::Borrowed(&self.gzipped),
        }
    }
}

/// The page that loads all else.
///
/// # Panics
///
/// In a debug build, if the file was deleted after the build.
#[must_use]
pub fn page() -> File {
    file(PAGE).unwrap_or_else(|| unreachable!("the page is a file of this crate"))
}

/// The file of that name, which may have folders before it; `None` if there is none, or none that a browser can use.
#[must_use]
pub fn file(name: &str) -> Option<File> {
    static COMPRESSED: LazyLock<BTreeMap<Cow<'static, str>, File>> =
        LazyLock::new(|| names().filter_map(|name| Some((name.clone(), File::read(&name)?))).collect());
    let known = COMPRESSED.get(name);
    if cfg!(debug_assertions) {
        // An edit is to be seen at the next reload; what was not edited need not be compressed again.
        let digest = Files::get(name)?.metadata.sha256_hash();
        return match known.filter(|known| known.entity_tag == entity_tag(&digest)) {
            Some(known) => Some(known.borrowed()),
            None => File::read(name),
        };
    }
    known.map(File::borrowed)
}

/// The names of all files.
pub fn names() -> impl Iterator<Item = Cow<'static, str>> {
    Files::iter()
}

fn content_type(name: &str) -> Option<&'static str> {
    match name.rsplit_once('.')?.1 {
        "html" => Some("text/html; charset=utf-8"),
        "css" => Some("text/css; charset=utf-8"),
        "js" => Some("text/javascript; charset=utf-8"),
        "svg" => Some("image/svg+xml"),
        _ => None,
    }
}

/// Half of the digest: enough to tell files apart, and it is sent with every one of them.
fn entity_tag(digest: &[u8; 32]) -> String {
    let (half, _) = digest.split_at(16);
    half.iter().fold(String::from("\""), |tag, byte| tag + &format!("{byte:02x}")) + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_can_use_every_file() {
        let names: Vec<_> = names().collect();
        assert!(names.len() > 5, "{names:?}");
        for name in names {
            let file = file(&name).unwrap_or_else(|| panic!("what is {name}?"));
            assert!(!file.bytes.is_empty(), "{name}");
            let mut text = Vec::new();
            flate2::read::GzDecoder::new(&*file.gzipped).read_to_end(&mut text).unwrap();
            assert_eq!(text, *file.bytes, "{name}");
        }
    }

    /// All that a browser loads when it shows every page.
    #[test]
    fn all_files_have_at_most_150_kilobytes() {
        let sent: usize = names().map(|name| file(&name).unwrap().gzipped.len()).sum();
        assert!(sent <= 150_000, "{sent} bytes");
    }

    #[test]
    fn nothing_outside_of_the_folder_is_served() {
        for name in
            ["../Cargo.toml", "../src/lib.rs", "/etc/passwd", "lib/../../Cargo.toml", "..%2fCargo.toml", "", "lib"]
        {
            assert!(file(name).is_none(), "{name}");
        }
        assert!(file("../static/app.js").is_none() || cfg!(debug_assertions));
    }

    #[test]
    fn a_tag_is_that_of_the_bytes() {
        let (page, script) = (page(), file("app.js").unwrap());
        assert_ne!(page.entity_tag, script.entity_tag);
        assert_eq!(page.entity_tag, file(PAGE).unwrap().entity_tag);
        assert_eq!(page.entity_tag.len(), 34);
    }

    /// The policy allows none of these, so a page that had one would not work.
    #[test]
    fn the_page_has_nothing_inline() {
        let text = String::from_utf8(page().bytes.into_owned()).unwrap();
        for inline in ["<style", "style=", " on", "javascript:", "<script>", "importmap"] {
            assert!(!text.contains(inline), "{inline}");
        }
        for source in text.split("src=\"").skip(1).chain(text.split("href=\"").skip(1)) {
            let name = source.split('"').next().unwrap();
            assert!(name.strip_prefix(FOLDER).is_some_and(|name| file(name).is_some()), "{name}");
        }
    }
}
