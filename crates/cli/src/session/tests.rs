use std::fs;
use std::path::Path;

use prediction_client::SystemPause;
use prediction_domain::model::Timestamp;
use prediction_domain::ports::Clock;

use super::*;
use crate::configuration::{Contexts, Login};

struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        Timestamp::parse("2026-06-01T12:00:00Z").unwrap()
    }
}

fn around(folder: &Path) -> Surroundings {
    Surroundings {
        token: None,
        client_id: None,
        client_secret: None,
        issuer: None,
        audience: None,
        scope: None,
        organisations_claim: None,
        configuration: Some(folder.join("configuration")),
        clock: Arc::new(Noon),
        pause: Arc::new(SystemPause::default()),
    }
}

fn reach(folder: &Path) -> Reach {
    Reach { data_dir: folder.join("data"), deadline: Duration::from_secs(1), ..Reach::default() }
}

/// A folder with everything that tells who is calling.
fn everything() -> (tempfile::TempDir, Reach, Surroundings) {
    use std::os::unix::fs::OpenOptionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::create_dir(path.join("data")).unwrap();
    let secret = path.join("data/secret");
    let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(secret).unwrap();
    let digits = "0f1e2d3c4b5a69788796a5b4c3d2e1f000112233445566778899aabbccddeeff";
    std::io::Write::write_all(&mut &file, digits.as_bytes()).unwrap();
    fs::write(path.join("token"), "of-a-file\n").unwrap();
    let kept = Configuration::of(&around(path)).unwrap();
    let here = Context { url: "http://127.0.0.1:8000".to_owned(), ..Context::default() };
    let mut contexts = Contexts { current: Some("here".to_owned()), ..Contexts::default() };
    contexts.contexts.insert("here".to_owned(), here.clone());
    kept.keep_contexts(&contexts).unwrap();
    let login = Login {
        url: here.url,
        issuer: "https://issuer.example".to_owned(),
        client_id: "prediction".to_owned(),
        access_token: "of-a-login".to_owned(),
        refresh_token: None,
        expires_at: None,
    };
    kept.keep_login("here", &login).unwrap();
    let around = Surroundings {
        token: Some("of-a-variable".to_owned()),
        client_id: Some("runner".to_owned()),
        client_secret: Some("secret".to_owned()),
        issuer: Some("https://issuer.example".to_owned()),
        ..around(path)
    };
    let reach = Reach { token_file: Some(path.join("token")), ..reach(path) };
    (folder, reach, around)
}

fn who(reach: &Reach, around: &Surroundings) -> (Who, Option<String>) {
    let session = Session::open(reach, around).unwrap();
    let token = match &session.who {
        // That would ask the issuer.
        Who::Program(_) => None,
        _ => session.token().unwrap().map(|token| token.reveal().to_owned()),
    };
    (session.who, token)
}

#[test]
fn the_first_that_fits_tells_who_is_calling() {
    let (folder, mut reach, mut around) = everything();
    let token = |text: &str| Some(text.to_owned());
    assert_eq!(who(&reach, &around), (Who::TokenFile(folder.path().join("token")), token("of-a-file")));
    reach.token_file = None;
    assert_eq!(who(&reach, &around), (Who::TokenVariable, token("of-a-variable")));
    around.token = None;
    assert_eq!(who(&reach, &around), (Who::Program("runner".to_owned()), None));
    around.client_id = None;
    assert_eq!(who(&reach, &around), (Who::Login("here".to_owned()), token("of-a-login")));
    Configuration::of(&around).unwrap().forget_login("here").unwrap();
    let (local, minted) = who(&reach, &around);
    assert_eq!(local, Who::Local(folder.path().join("data")));
    assert!(minted.unwrap().starts_with("eyJ"));
    fs::remove_file(folder.path().join("data/secret")).unwrap();
    let nobody = Session::open(&reach, &around).unwrap();
    assert_eq!(nobody.who, Who::Nobody);
    let Failure::Client(error) = nobody.token().unwrap_err() else { panic!("a sign-in is needed") };
    assert!(error.to_string().contains("name the data folder of the server with --data-dir"), "{error}");
}

#[test]
fn a_login_and_a_local_token_go_to_no_other_service() {
    let (_folder, mut reach, mut around) = everything();
    (reach.token_file, around.token, around.client_id) = (None, None, None);
    reach.context = Some("here".to_owned());
    reach.url = Some("https://elsewhere.example".to_owned());
    assert_eq!(Session::open(&reach, &around).unwrap().who, Who::Nobody);
    reach.url = Some("http://127.0.0.1:9".to_owned());
    assert!(matches!(Session::open(&reach, &around).unwrap().who, Who::Local(_)), "of another port");
    // Tokens are not sent in plain text either.
    (reach.context, reach.url) = (None, Some("http://elsewhere.example".to_owned()));
    around.token = Some("a".to_owned());
    assert_eq!(Session::open(&reach, &around).unwrap_err().code(), 64);
    reach.plain_text = true;
    assert_eq!(Session::open(&reach, &around).unwrap().who, Who::TokenVariable);
}

#[test]
fn a_service_is_named_or_of_the_context_or_here() {
    let (folder, reach, around) = everything();
    let url = |reach: &Reach, around: &Surroundings| {
        let context = context(reach, around).unwrap();
        base_url(reach, context.as_ref().map(|(_, context)| context)).unwrap().to_string()
    };
    let kept = Configuration::of(&around).unwrap();
    let mut contexts = kept.contexts().unwrap();
    contexts.contexts.insert("prod".to_owned(), Context { url: "https://p.example/".to_owned(), ..Context::default() });
    contexts.current = Some("prod".to_owned());
    kept.keep_contexts(&contexts).unwrap();
    assert_eq!(url(&reach, &around), "https://p.example");
    assert_eq!(url(&Reach { context: Some("here".to_owned()), ..reach.clone() }, &around), "http://127.0.0.1:8000");
    assert_eq!(
        url(&Reach { url: Some("https://u.example".to_owned()), ..reach.clone() }, &around),
        "https://u.example"
    );
    let elsewhere = Surroundings { configuration: Some(folder.path().join("none")), ..around.clone() };
    assert_eq!(url(&reach, &elsewhere), "http://127.0.0.1:8000");
    let unknown = Reach { context: Some("nope".to_owned()), ..reach };
    assert_eq!(Session::open(&unknown, &around).unwrap_err().code(), 64);
}

#[test]
fn a_file_is_read_again_when_its_token_is_refused() {
    use prediction_client::TokenSource as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    fs::write(&path, "one").unwrap();
    let source = TokenFile::new(path.clone());
    let one = source.token().unwrap();
    assert!(source.renew(&one).is_err());
    fs::write(&path, "two").unwrap();
    assert_eq!(source.renew(&one).unwrap().reveal(), "two");
}
