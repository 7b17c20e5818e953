//! `plan` and `apply`.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use prediction_client::wire::{ApplyChange, ApplyDifference, ApplyResult, Problem};
use prediction_client::{Client, ClientError, Parameters, printable};
use prediction_domain::model::ApplyAction;
use prediction_manifest::Manifest;
use serde_json::{Value, json};

use super::warn;
use crate::console::{Console, Tone};
use crate::documents::{read_files, show_problem};
use crate::failure::Failure;
use crate::files::{Readers, write_whole};
use crate::names::{Names, is_id};
use crate::output::{Format, Node, ago, one_of, print_value};
use crate::progress::Progress;
use crate::session::{Reach, Session};
use crate::surroundings::Surroundings;

/// The forms that its result can be printed in.
const FORMATS: [Format; 5] = [Format::Table, Format::Wide, Format::Json, Format::Yaml, Format::Name];

/// Say what applying files would do, and do nothing
///
/// Ends with 0 if nothing would change, 2 if something would, 1 if the files are refused.
#[derive(Debug, Args)]
pub struct Plan {
    #[command(flatten)]
    document: Document,
    /// Keep the plan in a file, for `apply --plan`
    #[arg(long = "plan", value_name = "FILE")]
    kept: Option<PathBuf>,
    /// How the result is printed; wide has what is unchanged, too
    #[arg(short, long, default_value = "table", value_parser = one_of(&FORMATS))]
    output: Format,
    #[command(flatten)]
    reach: Reach,
}

/// Make of what is stored what files describe, all of it or nothing
#[derive(Debug, Args)]
pub struct Apply {
    #[command(flatten)]
    document: Document,
    /// Carry out the plan that `plan --plan` kept, and no other
    #[arg(long = "plan", value_name = "FILE")]
    kept: Option<PathBuf>,
    /// Delete without asking, also where nobody can be asked
    #[arg(long, short)]
    yes: bool,
    /// How the result is printed; wide has what is unchanged, too
    #[arg(short, long, default_value = "table", value_parser = one_of(&FORMATS))]
    output: Format,
    #[command(flatten)]
    reach: Reach,
}

/// Which files, and what else they are to do.
#[derive(Debug, Args)]
struct Document {
    /// A YAML or JSON file, or a folder of them; - is what is piped in; can be given several times
    #[arg(short, long = "file", value_name = "FILE|DIR", required = true, num_args = 1..)]
    files: Vec<PathBuf>,
    /// What the set is called that keeps these things, if the files do not say it
    #[arg(long, value_name = "NAME")]
    set: Option<String>,
    /// Whose things they are that do not say it: the organisation's name or its id
    #[arg(long, short = 'O', value_name = "NAME")]
    organisation: Option<String>,
    /// Pause jobs of the set that the files do not have any more, or delete everything that they do not have any more
    #[arg(long, value_name = "HOW", value_enum, num_args = 0..=1, require_equals = true, default_missing_value = "pause")]
    prune: Option<Pruning>,
    /// How many things may be removed [default: 10]
    #[arg(long, value_name = "NUMBER")]
    prune_limit: Option<u32>,
    /// Let the set keep things that are there already
    #[arg(long)]
    adopt: bool,
    /// Let the set keep things that another set keeps
    #[arg(long, value_name = "SET")]
    adopt_from: Option<String>,
    /// Let shorter retentions delete values
    #[arg(long)]
    confirm_deletion: bool,
}

/// What becomes of what the files do not have any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Pruning {
    /// Jobs are paused
    Pause,
    /// Jobs are deleted, and what nothing uses any more of the rest
    Delete,
}

pub(crate) fn plan(arguments: &Plan, console: &mut Console<'_>, around: &Surroundings) -> Result<(), Failure> {
    let manifest = read_files(&arguments.document.files, console)?;
    arguments.document.check(&manifest)?;
    arguments.kept.as_deref().map_or(Ok(()), check_kept)?;
    let session = Session::open(&arguments.reach, around)?;
    let body = arguments.document.body(&manifest, &session.client)?;
    let planned = ask(&session.client, &manifest, &body, true, console, around)?.result;
    if let Some(file) = &arguments.kept {
        let kept = json!({ "plan_digest": planned.plan_digest, "counts": planned.counts });
        write_whole(file, format!("{kept:#}\n").as_bytes(), Readers::All)?;
    }
    print(&planned, arguments.output, Tense::Would, console, around)?;
    console.out.flush()?;
    if is_unchanged(&planned) { Ok(()) } else { Err(Failure::Changes) }
}

pub(crate) fn run(arguments: &Apply, console: &mut Console<'_>, around: &Surroundings) -> Result<(), Failure> {
    let manifest = read_files(&arguments.document.files, console)?;
    arguments.document.check(&manifest)?;
    let kept = arguments.kept.as_deref().map(kept_digest).transpose()?;
    let deletions = arguments.document.deletions(&manifest);
    // A plan that was kept is what somebody looked at and let be carried out: it is asked for nothing else.
    let is_to_ask = !deletions.is_empty() && !arguments.yes && kept.is_none();
    if is_to_ask && !console.can_ask {
        let said = deletions.join(" and ");
        return Err(Failure::Usage(format!(
            "{said} may delete something, and nobody can be asked here: say --yes, or keep a plan and carry it out with --plan"
        )));
    }
    let session = Session::open(&arguments.reach, around)?;
    let client = &session.client;
    let mut body = arguments.document.body(&manifest, client)?;
    if let Some(digest) = kept {
        body["expect_plan"] = json!(digest);
    } else if is_to_ask {
        let planned = ask(client, &manifest, &body, true, console, around)?.result;
        let deleted = deleted(&planned, &deletions);
        if !deleted.is_empty() {
            print(&planned, Format::Table, Tense::Would, console, around)?;
            console.out.flush()?;
            if !console.agrees(&format!("Delete {}?", deleted.join(", and ")))? {
                return Err(Failure::Refused("nothing was done".to_owned()));
            }
        }
        // What was agreed to is done, and nothing that comes to be deleted meanwhile.
        body["expect_plan"] = json!(planned.plan_digest);
    }
    let answer = ask(client, &manifest, &body, false, console, around)?;
    if answer.is_lost {
        console.note("The answer was lost; what is stored now is what the files describe.")?;
    }
    print(&answer.result, arguments.output, Tense::Did, console, around)
}

/// What a plan deletes, in words.
fn deleted(planned: &ApplyResult, deletions: &[&str]) -> Vec<String> {
    let mut deleted = Vec::new();
    if planned.counts.delete > 0 {
        deleted.push(counted(planned.counts.delete, "thing"));
    }
    let is_retention = |difference: &ApplyDifference| difference.pointer == "/retention_hours";
    let is_shorter = |change: &&ApplyChange| change.resource == "source" && change.differences.iter().any(is_retention);
    if deletions.contains(&CONFIRMED) && planned.changes.iter().any(|change| is_shorter(&change)) {
        deleted.push("values that other retentions do not keep".to_owned());
    }
    deleted
}

/// What files may say that lets things be deleted.
const PRUNED: &str = "prune: delete";
const CONFIRMED: &str = "confirm_deletion: true";

impl Document {
    /// Refuses what makes no sense, before anything is asked. Which id a name stands for is known later.
    fn check(&self, manifest: &Manifest) -> Result<(), Failure> {
        once(manifest, "set", self.set.as_deref())?;
        once(manifest, "organisation_id", self.organisation.as_deref().filter(|id| is_id(id)))
    }

    /// What lets things be deleted, on the command line or in the files.
    fn deletions(&self, manifest: &Manifest) -> Vec<&'static str> {
        let stored = |member: &str| manifest.document().get(member);
        let prunes = match self.prune {
            Some(how) => how == Pruning::Delete,
            None => stored("prune").and_then(Value::as_str) == Some("delete"),
        };
        // On the command line it is a confirmation already.
        let confirms = !self.confirm_deletion && stored("confirm_deletion").and_then(Value::as_bool) == Some(true);
        [(PRUNED, prunes), (CONFIRMED, confirms)]
            .iter()
            .filter(|(_, is_said)| *is_said)
            .map(|(word, _)| *word)
            .collect()
    }

    /// What is sent: the document of the files, with what the command line says.
    fn body(&self, manifest: &Manifest, client: &Client) -> Result<Value, Failure> {
        let mut body = manifest.document().clone();
        let organisation =
            self.organisation.as_deref().map(|name| Names::new(client).organisation(name)).transpose()?;
        once(manifest, "organisation_id", organisation.as_deref())?;
        let prune = self.prune.map(|how| match how {
            Pruning::Pause => "pause",
            Pruning::Delete => "delete",
        });
        let said = [
            ("set", self.set.as_ref().map(|set| json!(set))),
            ("organisation_id", organisation.map(|id| json!(id))),
            ("prune", prune.map(|how| json!(how))),
            ("prune_limit", self.prune_limit.map(|limit| json!(limit))),
            ("adopt", self.adopt.then_some(json!(true))),
            ("adopt_from", self.adopt_from.as_ref().map(|set| json!(set))),
            ("confirm_deletion", self.confirm_deletion.then_some(json!(true))),
        ];
        for (member, value) in said.into_iter().filter_map(|(member, value)| Some((member, value?))) {
            body[member] = value;
        }
        Ok(body)
    }
}

/// Refuses what the files say otherwise than the command line.
fn once(manifest: &Manifest, member: &str, said: Option<&str>) -> Result<(), Failure> {
    let stored = manifest.document().get(member).filter(|value| !value.is_null());
    match (stored, said) {
        (Some(stored), Some(said)) if stored.as_str() != Some(said) => {
            Err(Failure::Usage(format!("the files say {member}: {stored}; say it in one place")))
        }
        _ => Ok(()),
    }
}

/// What became of a document.
struct Answered {
    result: ApplyResult,
    /// The answer was lost, and this is what there is to do now: nothing.
    is_lost: bool,
}

/// Has the document planned or applied; what is wrong with it is shown in the files.
fn ask(
    client: &Client,
    manifest: &Manifest,
    body: &Value,
    dry_run: bool,
    console: &mut Console<'_>,
    around: &Surroundings,
) -> Result<Answered, Failure> {
    let parameters = if dry_run { Parameters::new().dry_run() } else { Parameters::new() };
    let doing = if dry_run { "Planning" } else { "Applying" };
    let progress = Progress::start(console, doing, "things");
    let answer = client.apply(body, &parameters);
    drop(progress);
    match answer {
        Ok(reply) => Ok(Answered { result: reply.value, is_lost: false }),
        Err(ClientError::Uncertain(problem)) => match new_plan(&problem) {
            Some(plan) if is_unchanged(&plan) => Ok(Answered { result: plan, is_lost: true }),
            plan => {
                if let Some(plan) = plan {
                    print(&plan, Format::Table, Tense::Would, console, around)?;
                    console.out.flush()?;
                }
                Err(ClientError::Uncertain(problem).into())
            }
        },
        Err(ClientError::Problem(problem)) => {
            if !problem.errors.is_empty() {
                show_problem(manifest, &problem, console)?;
                if problem.code == "managed_by_other_set" {
                    console.note("prediction: --adopt and --adopt-from take things over")?;
                }
                if problem
                    .errors
                    .iter()
                    .any(|error| error.pointer.as_deref() == Some("/set") && error.code == "missing_member")
                {
                    console.note("prediction: say it with --set NAME, or as \"set: NAME\" in a file")?;
                }
                return Err(Failure::Told);
            }
            if let Some(plan) = new_plan(&problem) {
                print(&plan, Format::Table, Tense::Would, console, around)?;
                console.out.flush()?;
            }
            if problem.code == "prune_limit_exceeded" {
                console.note("prediction: --prune-limit N lets so many go")?;
            }
            Err(ClientError::Problem(problem).into())
        }
        Err(error) => Err(error.into()),
    }
}

fn new_plan(problem: &Problem) -> Option<ApplyResult> {
    serde_json::from_value(problem.members.get("new_plan")?.clone()).ok()
}

/// Whether it is said what would be done, or what was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tense {
    Would,
    Did,
}

fn print(
    result: &ApplyResult,
    format: Format,
    tense: Tense,
    console: &mut Console<'_>,
    around: &Surroundings,
) -> Result<(), Failure> {
    match format {
        Format::Json | Format::Yaml => {
            let text = serde_json::to_string(result).unwrap_or_default();
            let node: Node = serde_json::from_str(&text).unwrap_or(Node::Null);
            return print_value(console, &node, format == Format::Yaml);
        }
        Format::Name => {
            for change in result.changes.iter().filter(|change| change.action != ApplyAction::Unchanged) {
                console.line(&name(change))?;
            }
            return warn(console, &result.warnings);
        }
        Format::Table | Format::Wide | Format::Csv => {}
    }
    for change in &result.changes {
        let is_told = change.action != ApplyAction::Unchanged || change.changed_outside.is_some();
        if is_told || format == Format::Wide {
            print_change(change, console, around)?;
        }
    }
    console.line(&summary(result, tense))?;
    warn(console, &result.warnings)
}

fn print_change(change: &ApplyChange, console: &mut Console<'_>, around: &Surroundings) -> Result<(), Failure> {
    let tone = match change.action {
        ApplyAction::Create => Tone::Good,
        ApplyAction::Update | ApplyAction::Adopt | ApplyAction::Pause => Tone::Doubtful,
        ApplyAction::Delete => Tone::Bad,
        _ => Tone::Faint,
    };
    let action = console.toned(&format!("{:<9}", change.action.as_str()), tone);
    let runs = match change.runs {
        Some(runs) if runs > 0 => format!(" (with {})", counted(runs, "run")),
        _ => String::new(),
    };
    console.line(&format!("{action} {}{runs}", name(change)))?;
    for difference in &change.differences {
        for line in lines(difference) {
            console.line(&format!("            {line}"))?;
        }
    }
    if change.differences_omitted {
        console.line("            (differences are too many to show)")?;
    }
    if let Some(outside) = &change.changed_outside {
        let by = outside.by.as_ref().map(|by| format!(" by {}", printable(by.as_str()))).unwrap_or_default();
        let text = format!("            changed by hand{by} {}", ago(outside.at, around.now()));
        let text = console.toned(&text, Tone::Faint);
        console.line(&text)?;
    }
    Ok(())
}

/// What a thing is called, with what kind of thing it is.
fn name(change: &ApplyChange) -> String {
    let member = |name: &str| change.key.get(name).and_then(Value::as_str).map(printable).unwrap_or_default();
    let resource = change.resource.replace('_', " ");
    match change.resource.as_str() {
        "source_version" => {
            let source = change.key.pointer("/source/name").and_then(Value::as_str).map(printable);
            format!("{resource} {}@{}", source.unwrap_or_default(), member("version"))
        }
        "input" => format!("{resource} {}", member("id")),
        _ => format!("{resource} {}", member("name")),
    }
}

/// `active: true -> false`; a list of roles by what is bound.
fn lines(difference: &ApplyDifference) -> Vec<String> {
    let member = difference.pointer.trim_start_matches('/').split('/').next().unwrap_or_default();
    let role = [&difference.stored, &difference.wanted].into_iter().find_map(|value| value.get("role")?.as_str());
    let what = match role {
        Some(role) if member == "role_bindings" => format!("role {}", printable(role)),
        _ => printable(&difference.pointer.trim_start_matches('/').replace('/', ".")),
    };
    vec![format!("{what}: {} -> {}", shown(&difference.stored), shown(&difference.wanted))]
}

/// A value, as short as it can be told.
fn shown(value: &Value) -> String {
    const MOST: usize = 60;
    let text = match value {
        Value::Null => return "nothing".to_owned(),
        Value::String(text) => text.clone(),
        Value::Object(binding) => match (binding.get("input_id"), binding.get("output")) {
            (Some(Value::String(id)), _) => id.clone(),
            (None, Some(output)) => {
                let member = |name: &str| output.get(name).and_then(Value::as_str).unwrap_or_default();
                format!("{} of {}", member("role"), member("job"))
            }
            _ => value.to_string(),
        },
        other => other.to_string(),
    };
    let text = printable(&text);
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

fn summary(result: &ApplyResult, tense: Tense) -> String {
    let counts = &result.counts;
    let (would, parts) = match tense {
        Tense::Would => ("Plan: ", ["to create", "to update", "to adopt", "to pause", "to delete"]),
        Tense::Did => ("Done: ", ["created", "updated", "adopted", "paused", "deleted"]),
    };
    let numbers = [counts.create, counts.update, counts.adopt, counts.pause, counts.delete];
    let told: Vec<String> = numbers
        .into_iter()
        .zip(parts)
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| format!("{number} {what}"))
        .collect();
    let told = if told.is_empty() { "nothing to change".to_owned() } else { told.join(", ") };
    format!("{would}{told}; {} unchanged.", counts.unchanged)
}

fn is_unchanged(result: &ApplyResult) -> bool {
    let counts = &result.counts;
    [counts.create, counts.update, counts.adopt, counts.pause, counts.delete].iter().all(|count| *count == 0)
}

fn counted(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

fn kept_digest(file: &Path) -> Result<String, Failure> {
    let unreadable = |why: &dyn std::fmt::Display| {
        Failure::Refused(format!("{} is no plan: {}", file.display(), printable(&why.to_string())))
    };
    let text = fs::read_to_string(file).map_err(|error| unreadable(&error))?;
    let kept: Value = serde_json::from_str(&text).map_err(|error| unreadable(&error))?;
    let digest = kept.get("plan_digest").and_then(Value::as_str);
    digest.map(str::to_owned).ok_or_else(|| unreadable(&"it has no plan_digest"))
}

/// Refuses to replace a file that is something else than a plan.
fn check_kept(file: &Path) -> Result<(), Failure> {
    // A pipe or a device is written into. What is not there, or cannot be read, is told when it is written.
    if !fs::metadata(file).is_ok_and(|file| file.is_file() && file.len() > 0) || kept_digest(file).is_ok() {
        return Ok(());
    }
    Err(Failure::Usage(format!("{} is there already and is no plan: it is not replaced", file.display())))
}
