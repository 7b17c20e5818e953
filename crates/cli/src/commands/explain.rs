use clap::Args;
use prediction_client::printable;
use prediction_domain::model::nearest;
use serde_json::{Map, Value};
use unicode_width::UnicodeWidthStr as _;

use crate::console::{Console, Tone};
use crate::failure::Failure;

/// The document of the release that this command is of.
const DOCUMENT: &str = include_str!("../../../../docs/openapi.json");
/// What people call the schemas.
const CALLED: [(&str, &str); 12] = [
    ("job", "Job"),
    ("source", "Source"),
    ("version", "SourceVersion"),
    ("source_version", "SourceVersion"),
    ("run", "Run"),
    ("report", "ReportRunRequest"),
    ("revision", "JobRevision"),
    ("input", "Input"),
    ("organisation", "Organisation"),
    ("prediction", "Prediction"),
    ("setup", "JobSetupRequest"),
    ("problem", "Problem"),
];
/// How wide texts are where there is no terminal.
const WIDTH: usize = 100;

/// Say what a member means
#[derive(Debug, Args)]
pub struct Explain {
    // As help, not as a comment: a reader of the help sees no backticks.
    #[arg(help = "What it is a member of, and its name, such as job.role_bindings or setup.job.name")]
    path: String,
}

pub(crate) fn run(arguments: &Explain, console: &mut Console<'_>) -> Result<(), Failure> {
    let document: Value = serde_json::from_str(DOCUMENT)
        .map_err(|error| Failure::Refused(format!("the OpenAPI document cannot be read: {error}")))?;
    let schemas = document["components"]["schemas"].as_object().cloned().unwrap_or_default();
    let mut parts = arguments.path.split('.');
    let root = parts.next().unwrap_or_default();
    let mut schema = named(root, &schemas)?;
    let mut about = text(schema, "description");
    for part in parts {
        let members = members(schema, &schemas);
        let Some((_, member)) = members.iter().find(|(name, _)| *name == part) else {
            return Err(unknown(part, members.iter().map(|(name, _)| *name)));
        };
        schema = member;
        // What is said of the member goes before what is said of its type.
        let own = text(schema, "description");
        about = if own.is_empty() { text(resolved(schema, &schemas), "description") } else { own };
    }
    let head = format!("{} ({})", arguments.path, kind(schema, &schemas));
    let head = console.toned(&printable(&head), Tone::Heading);
    console.line(&head)?;
    let width = console.width.unwrap_or(WIDTH);
    for line in wrapped(&about, width) {
        console.line(&line)?;
    }
    let bounds = bounds(resolved(schema, &schemas));
    if !bounds.is_empty() {
        console.line(&format!("\n{}", bounds.join("; ")))?;
    }
    members_of(schema, &schemas, width, console)
}

fn members_of(
    schema: &Value,
    schemas: &Map<String, Value>,
    width: usize,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let members = members(schema, schemas);
    if members.is_empty() {
        return Ok(());
    }
    let owner = items(resolved(schema, schemas), schemas);
    let required: Vec<&str> = owner["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    console.line("\nMembers:")?;
    for (name, member) in members {
        let need = if required.contains(&name) { "" } else { ", optional" };
        let name = console.toned(name, Tone::Heading);
        console.line(&format!("  {name} ({}{need})", kind(member, schemas)))?;
        let own = text(member, "description");
        let about = if own.is_empty() { text(resolved(member, schemas), "description") } else { own };
        for line in wrapped(&about, width.saturating_sub(4)) {
            console.line(&format!("    {line}"))?;
        }
    }
    Ok(())
}

fn named<'a>(name: &str, schemas: &'a Map<String, Value>) -> Result<&'a Value, Failure> {
    let singular = name.strip_suffix('s').unwrap_or(name);
    let called = CALLED.iter().find(|(word, _)| [name, singular].contains(word)).map_or(name, |(_, schema)| schema);
    let found = schemas.iter().find(|(schema, _)| schema.eq_ignore_ascii_case(called));
    found.map(|(_, schema)| schema).ok_or_else(|| unknown(name, CALLED.iter().map(|(word, _)| *word)))
}

fn unknown<'a>(name: &str, known: impl Iterator<Item = &'a str> + Clone) -> Failure {
    let near = nearest(name, known.clone());
    let hint = match near {
        Some(near) => format!("did you mean {near}?"),
        None => format!("there are {}", known.collect::<Vec<_>>().join(", ")),
    };
    Failure::Usage(format!("\"{}\" is not known; {hint}", printable(name)))
}

/// What a reference leads to, also where null is possible beside it.
fn resolved<'a>(schema: &'a Value, schemas: &'a Map<String, Value>) -> &'a Value {
    let inner = ["oneOf", "anyOf", "allOf"].iter().find_map(|word| schema[*word].as_array());
    if let Some(inner) = inner.and_then(|inner| inner.iter().find(|part| part["type"] != "null")) {
        return resolved(inner, schemas);
    }
    let target = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next());
    target.and_then(|name| schemas.get(name)).map_or(schema, |found| resolved(found, schemas))
}

/// Of a list what its items are.
fn items<'a>(schema: &'a Value, schemas: &'a Map<String, Value>) -> &'a Value {
    if schema["items"].is_object() { resolved(&schema["items"], schemas) } else { schema }
}

fn members<'a>(schema: &'a Value, schemas: &'a Map<String, Value>) -> Vec<(&'a str, &'a Value)> {
    let owner = items(resolved(schema, schemas), schemas);
    owner["properties"].as_object().into_iter().flatten().map(|(name, member)| (name.as_str(), member)).collect()
}

fn kind(schema: &Value, schemas: &Map<String, Value>) -> String {
    let found = resolved(schema, schemas);
    if found["items"].is_object() {
        return format!("list of {}", kind(&found["items"], schemas));
    }
    let word = match &found["type"] {
        Value::String(word) => word.clone(),
        Value::Array(words) => {
            words.iter().filter_map(Value::as_str).filter(|word| *word != "null").collect::<Vec<_>>().join(" or ")
        }
        _ => "value".to_owned(),
    };
    match (word.as_str(), found["format"].as_str()) {
        ("string", Some("uuid")) => "id".to_owned(),
        ("string", Some("date-time")) => "time".to_owned(),
        ("string", _) => "text".to_owned(),
        ("boolean", _) => "true or false".to_owned(),
        ("integer", _) => "whole number".to_owned(),
        _ => word,
    }
}

fn bounds(schema: &Value) -> Vec<String> {
    let mut bounds = Vec::new();
    for (word, said) in [
        ("minLength", "at least {} characters"),
        ("maxLength", "at most {} characters"),
        ("minimum", "at least {}"),
        ("maximum", "at most {}"),
        ("maxItems", "at most {} items"),
    ] {
        match schema[word].as_number() {
            Some(number) if word == "minLength" && number.as_u64() == Some(1) => bounds.push("not empty".to_owned()),
            Some(number) => bounds.push(said.replace("{}", &number.to_string())),
            None => {}
        }
    }
    if let Some(words) = schema["enum"].as_array() {
        let words: Vec<_> = words.iter().filter_map(Value::as_str).collect();
        bounds.push(format!("one of {}", words.join(", ")));
    }
    bounds
}

fn text(schema: &Value, member: &str) -> String {
    schema[member].as_str().unwrap_or_default().to_owned()
}

/// Lines of that many columns at the most, broken between words.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            if !line.is_empty() && line.width() + 1 + word.width() > width {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained(path: &str) -> Result<String, Failure> {
        let mut out = Vec::new();
        let (mut err, mut input) = (std::io::sink(), std::io::empty());
        let mut console = Console { width: Some(60), ..Console::piped(&mut out, &mut err, &mut input) };
        run(&Explain { path: path.to_owned() }, &mut console)?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn a_member_is_explained_by_the_document() {
        insta::assert_snapshot!(explained("job.role_bindings").unwrap());
        insta::assert_snapshot!(explained("setup.job.name").unwrap());
        assert!(explained("jobs.health.status").unwrap().contains("one of paused, unmonitored, overdue"));
    }

    #[test]
    fn every_schema_that_people_name_is_there() {
        for (name, _) in CALLED {
            let text = explained(name).unwrap();
            assert!(text.lines().count() > 3, "{text}");
            assert!(text.lines().all(|line| line.width() <= 60 || !line.trim().contains(' ')), "{text}");
        }
    }

    #[test]
    fn what_is_misspelt_is_told_with_the_nearest() {
        let told = |path: &str| match explained(path) {
            Err(Failure::Usage(message)) => message,
            other => panic!("{other:?}"),
        };
        assert_eq!(told("jobb"), "\"jobb\" is not known; did you mean job?");
        assert_eq!(told("job.rolebindings"), "\"rolebindings\" is not known; did you mean role_bindings?");
        assert!(told("job.xyzzy").contains("there are active"));
    }
}
