use std::fs;

use clap::Args;
use prediction_client::{Answer, Method};
use serde_json::Value;

use crate::console::Console;
use crate::failure::Failure;
use crate::output::{Node, print_value};
use crate::session::{Reach, Session};
use crate::surroundings::Surroundings;

/// Send any request, and print the answer
#[derive(Debug, Args)]
pub struct Api {
    /// GET, HEAD, POST, PUT or DELETE
    #[arg(value_parser = method)]
    method: Method,
    /// The path, such as /jobs, with a query if there is one. /api/v1 can be left out
    path: String,
    /// The body: JSON, @FILE, or - for standard input
    #[arg(short, long, value_name = "JSON")]
    data: Option<String>,
    /// A header of the request, such as 'If-Match: "3"'; can be given several times
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE", value_parser = header)]
    headers: Vec<(String, String)>,
    /// Print the status and the headers, too
    #[arg(short, long)]
    include: bool,
    #[command(flatten)]
    reach: Reach,
}

impl Api {
    pub(crate) fn is_read(&self) -> bool {
        [Method::GET, Method::HEAD].contains(&self.method)
    }
}

fn method(text: &str) -> Result<Method, String> {
    match text.to_ascii_uppercase().as_str() {
        known @ ("GET" | "HEAD" | "POST" | "PUT" | "DELETE") => known.parse().map_err(|_| "is no method".to_owned()),
        _ => Err("it is one of GET, HEAD, POST, PUT and DELETE".to_owned()),
    }
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("a header is a name, a colon and a value")?;
    let name = name.trim();
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if is_name { Ok((name.to_owned(), value.trim().to_owned())) } else { Err("that is no name of a header".to_owned()) }
}

pub(crate) fn run(arguments: &Api, console: &mut Console<'_>, around: &Surroundings) -> Result<(), Failure> {
    let path = full_path(&arguments.path);
    let body = arguments.data.as_deref().map(|data| body(data, console)).transpose()?;
    let client = if path.starts_with("/api/") {
        Session::open(&arguments.reach, around)?.client
    } else {
        Session::anonymous(&arguments.reach, around)?
    };
    let mut headers: Vec<_> = arguments.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    // Of what is not JSON any form will do, unless one was asked for.
    if !path.starts_with("/api/") && !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("accept")) {
        headers.push(("accept", "*/*"));
    }
    let answer = client.send(arguments.method.clone(), &path, &[], body.as_ref(), &headers)?;
    if arguments.include {
        console.line(&answer.status.to_string())?;
        for (name, value) in &answer.headers {
            let value = String::from_utf8_lossy(value.as_bytes());
            console.line(&format!("{name}: {}", prediction_client::printable(&value)))?;
        }
        console.line("")?;
    }
    print(&answer, console)
}

/// JSON is indented; something else is printed as it is, and on a terminal so that it cannot steer the terminal.
fn print(answer: &Answer, console: &mut Console<'_>) -> Result<(), Failure> {
    if answer.body.is_empty() {
        return Ok(());
    }
    if answer.header("content-type").is_some_and(|kind| kind.contains("json")) {
        return print_value(console, &Node::of(answer)?, false);
    }
    if !console.is_terminal {
        console.out.write_all(&answer.body)?;
        return Ok(());
    }
    for line in String::from_utf8_lossy(&answer.body).lines() {
        console.line(&prediction_client::printable(line))?;
    }
    Ok(())
}

fn full_path(path: &str) -> String {
    let has_root = ["/api/", "/health", "/metrics", "/openapi.json", "/problems", "/docs"];
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    if has_root.iter().any(|root| path.starts_with(root)) { path } else { format!("/api/v1{path}") }
}

fn body(data: &str, console: &mut Console<'_>) -> Result<Value, Failure> {
    let text = match (data, data.strip_prefix('@')) {
        ("-", _) => {
            let mut text = String::new();
            console.input.read_to_string(&mut text)?;
            text
        }
        (_, Some(file)) => {
            fs::read_to_string(file).map_err(|error| Failure::Usage(format!("cannot read {file}: {error}")))?
        }
        (text, None) => text.to_owned(),
    };
    serde_json::from_str(&text).map_err(|error| Failure::Usage(format!("the body is not JSON: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_can_be_left_out() {
        for (path, full) in [
            ("/jobs", "/api/v1/jobs"),
            ("jobs?limit=1", "/api/v1/jobs?limit=1"),
            ("/api/v1/jobs", "/api/v1/jobs"),
            ("/health/live", "/health/live"),
        ] {
            assert_eq!(full_path(path), full);
        }
    }

    #[test]
    fn a_header_has_a_name_and_a_value() {
        assert_eq!(header("If-Match: \"3\""), Ok(("If-Match".to_owned(), "\"3\"".to_owned())));
        assert!(header("If-Match").is_err() && header(": a").is_err() && header("a b: c").is_err());
        assert!(method("patch").is_err());
        assert_eq!(method("get"), Ok(Method::GET));
    }
}
