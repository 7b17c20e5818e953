//! Bodies that are as costly as they can be, made from the shapes in the OpenAPI document, so that a new member is
//! covered when it is described.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Map, Value, json};

/// A body, and what is costly about it.
pub(super) struct Costly {
    pub(super) name: String,
    pub(super) body: Vec<u8>,
}

/// The OpenAPI document, with ids of things that there are.
pub(super) struct Document<'a> {
    schemas: Value,
    ids: &'a BTreeMap<&'static str, String>,
}

/// What a list is filled with.
const ITEMS: [(&str, &str); 9] = [
    ("numbers", "1"),
    ("nulls", "null"),
    ("empty lists", "[]"),
    ("lists of one", "[1]"),
    ("empty objects", "{}"),
    ("objects of one unknown member", r#"{"a":1}"#),
    ("objects of an empty name", r#"{"":0}"#),
    ("members that stand twice", r#"{"role":"a","role":"a"}"#),
    ("texts", r#""\u00e9""#),
];

/// What a text consists of.
const TEXTS: [(&str, &str); 5] = [
    ("letters", "a"),
    ("escapes", r"\u0041"),
    ("marks", "\u{301}"),
    ("letters with marks", "e\u{301}\u{302}"),
    ("letters that grow", "\u{1d160}"),
];

impl<'a> Document<'a> {
    pub(super) fn committed(ids: &'a BTreeMap<&'static str, String>) -> Self {
        let document: Value = serde_json::from_str(include_str!("../../../../../docs/openapi.json")).unwrap();
        Self { schemas: document["components"]["schemas"].clone(), ids }
    }

    /// Bodies of nearly so many bytes.
    pub(super) fn costly_bodies(&self, schema: &str, most: usize) -> Vec<Costly> {
        let mut bodies = Bodies { most: most - 1_024, found: Vec::new(), texts: 0 };
        let schema = &self.schemas[schema];
        let least = self.least(schema);
        bodies.add_general(&least);
        self.add_members(&mut bodies, schema, &least, &mut Vec::new());
        bodies.found
    }

    /// The object with the members that it has to have, and no more.
    fn least(&self, schema: &Value) -> Map<String, Value> {
        let required = schema["required"].as_array().map_or(&[][..], Vec::as_slice);
        let members = required.iter().map(|name| name.as_str().unwrap());
        members.map(|name| (name.to_owned(), self.example(name, &schema["properties"][name]))).collect()
    }

    fn example(&self, name: &str, schema: &Value) -> Value {
        let schema = self.resolved(schema);
        match kind(schema) {
            "object" => Value::Object(self.least(schema)),
            "array" => json!([]),
            "integer" | "number" => json!(1),
            "boolean" => json!(true),
            _ if schema["format"] == "uuid" => match name {
                "source_id" => json!(self.ids["sources"]),
                "source_version_id" => json!(self.ids["source_versions"]),
                "organisation_id" => json!(crate::harness::ORGANISATION_A),
                _ => json!("01990000-0000-7000-8000-000000000001"),
            },
            _ if schema["format"] == "date-time" => json!("2026-06-01T12:00:00Z"),
            _ if schema["enum"].is_array() => schema["enum"][0].clone(),
            _ => json!("a"),
        }
    }

    fn resolved<'s>(&'s self, schema: &'s Value) -> &'s Value {
        let reference = |schema: &'s Value| schema["$ref"].as_str();
        let one = schema["oneOf"].as_array().and_then(|all| all.iter().find_map(reference));
        match reference(schema).or(one) {
            Some(reference) => &self.schemas[reference.rsplit('/').next().unwrap()],
            None => schema,
        }
    }

    /// What each member, also of objects in it, can be made to cost.
    fn add_members(&self, bodies: &mut Bodies, schema: &Value, least: &Map<String, Value>, path: &mut Vec<String>) {
        let Some(members) = schema["properties"].as_object() else { return };
        for (name, member) in members {
            let member = self.resolved(member);
            path.push(name.clone());
            let place = path.join("/");
            match kind(member) {
                "array" => {
                    let item = self.resolved(&member["items"]);
                    add_list(bodies, &place, member, item, least, path);
                }
                "object" => self.add_members(bodies, member, least, path),
                "integer" | "number" => {
                    for (what, digit) in [("digits", "9"), ("leading zeros", "0.0")] {
                        let digits = format!("{digit}{}", digit.trim_start_matches("0.").repeat(bodies.most));
                        bodies.add(&format!("{what} in a number"), &place, least, path, &digits[..bodies.most]);
                    }
                }
                _ => {
                    // Two kinds each, in turns: texts are read alike.
                    for (what, unit) in TEXTS.iter().cycle().skip(2 * bodies.texts).take(2) {
                        let text = unit.repeat((bodies.most - 2) / unit.len());
                        bodies.add(&format!("{what} in a text"), &place, least, path, &format!("\"{text}\""));
                    }
                    bodies.texts += 1;
                }
            }
            path.pop();
        }
    }
}

fn add_list(bodies: &mut Bodies, place: &str, list: &Value, item: &Value, least: &Map<String, Value>, path: &[String]) {
    for (what, text) in ITEMS {
        let count = bodies.most / (text.len() + 1);
        bodies.add(&format!("{what} in a list"), place, least, path, &format!("[{}]", vec![text; count].join(",")));
    }
    // As many as there may be, each as long as there is room for, and none of them right.
    let count = usize::try_from(list["maxItems"].as_u64().unwrap_or(200)).unwrap();
    let share = bodies.most / count;
    let names: Vec<&String> =
        item["properties"].as_object().map(|members| members.keys().collect()).unwrap_or_default();
    for (what, unit) in [("unknown names", "x"), ("names with marks", "e\u{301}"), ("names with controls", r"\u0001")] {
        let items: Vec<String> = (0..count)
            .map(|number| {
                let text = |room: usize| format!("{number}{}", unit.repeat(room.min(95 * unit.len()) / unit.len()));
                let room = share.saturating_sub(8 + names.iter().map(|name| name.len() + 12).sum::<usize>());
                let members: Vec<String> =
                    names.iter().map(|name| format!("\"{name}\":\"{}\"", text(room / names.len().max(1)))).collect();
                format!("{{{}}}", members.join(","))
            })
            .collect();
        bodies.add(&format!("{what} in all items"), place, least, path, &format!("[{}]", items.join(",")));
    }
    let unknown: Vec<String> = (0..count)
        .map(|_| {
            let mut members = String::new();
            for number in 0..(share / 10).clamp(1, 1_000) {
                let _ = write!(members, "{}\"m{number}\":1", if number == 0 { "" } else { "," });
            }
            format!("{{{members}}}")
        })
        .collect();
    bodies.add("unknown members in all items", place, least, path, &format!("[{}]", unknown.join(",")));
}

fn kind(schema: &Value) -> &str {
    let one = schema["type"].as_str();
    let many = schema["type"]
        .as_array()
        .and_then(|kinds| kinds.iter().find_map(|kind| kind.as_str().filter(|kind| *kind != "null")));
    one.or(many).unwrap_or("string")
}

struct Bodies {
    most: usize,
    found: Vec<Costly>,
    /// How many members are texts.
    texts: usize,
}

impl Bodies {
    /// What any object can be made to cost.
    fn add_general(&mut self, least: &Map<String, Value>) {
        let mut begun = Value::Object(least.clone()).to_string();
        begun.pop();
        let begun = if least.is_empty() { begun } else { format!("{begun},") };
        let mut add = |name: &str, rest: String| {
            let body = format!("{begun}{rest}}}").into_bytes();
            assert!(body.len() <= self.most + 1_024, "{name}: {}", body.len());
            self.found.push(Costly { name: name.to_owned(), body });
        };
        let room = self.most - begun.len() - 100;
        let numbered = |each: &dyn Fn(usize) -> String| {
            let mut text = String::new();
            for number in 0.. {
                let next = each(number);
                if text.len() + next.len() + 1 > room {
                    return text;
                }
                let _ = write!(text, "{}{next}", if number == 0 { "" } else { "," });
            }
            text
        };
        add("unknown members", numbered(&|number| format!("\"m{number}\":1")));
        add("unknown members with long names", numbered(&|number| format!("\"{}{number}\":1", "m".repeat(180))));
        add("unknown members with controls", numbered(&|number| format!("\"{}{number}\":1", r"\u0001".repeat(180))));
        add("nearly known members", numbered(&|number| format!("\"source_version_i{number}\":1")));
        add("one member many times", numbered(&|_| "\"m\":1".to_owned()));
        add("many members twice", numbered(&|number| format!("\"m{number}\":1,\"m{number}\":2")));
        add("nested lists", format!("\"m\":[{}]", numbered(&|_| format!("{}{}", "[".repeat(100), "]".repeat(100)))));
        add(
            "nested members twice",
            format!("\"m\":[{}]", numbered(&|_| format!("{}1{}", "{\"a\":1,\"a\":".repeat(100), "}".repeat(100)))),
        );
        add("one long name", format!("\"{}\":1", "n".repeat(room)));
        add("one long escaped name", format!("\"{}\":1", r"\u0041".repeat(room / 6)));
        add("white space", " ".repeat(room) + "\"m\":1");
        add("an end that is wrong", format!("\"m\":[{}],", numbered(&|_| "{\"a\":[1]}".to_owned())));
    }

    /// The object with one member being this text.
    fn add(&mut self, name: &str, place: &str, least: &Map<String, Value>, path: &[String], text: &str) {
        const HERE: &str = "@here@";
        let mut whole = Value::Object(least.clone());
        let mut inner = &mut whole;
        for part in path {
            if !inner[part].is_object() {
                inner[part] = json!({});
            }
            inner = &mut inner[part];
        }
        *inner = json!(HERE);
        let rest = whole.to_string();
        // What else there has to be takes a little room, too.
        let body = rest.replacen(&format!("\"{HERE}\""), text, 1).into_bytes();
        assert!(body.len() <= self.most + 1_024 + rest.len(), "{place}: {}", body.len());
        self.found.push(Costly { name: format!("{name} ({place})"), body });
    }
}
