//! Names instead of ids: wherever a name stands for one thing, it is as good as its id.

use prediction_client::wire::{Job, Organisation};
use prediction_client::{Client, Parameters, encoded, printable};
use prediction_domain::model::{JobId, VersionLabel, nearest};

use crate::failure::Failure;
use crate::output::Node;

/// The most names that are looked through for one that may have been meant, and that are listed.
const LOOKED_THROUGH: usize = 200;
const LISTED: usize = 10;

/// Something that was named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) id: String,
    pub(crate) name: String,
}

pub(crate) struct Names<'a> {
    client: &'a Client,
}

/// Whether a text is an id, which no name is taken for.
pub(crate) fn is_id(text: &str) -> bool {
    JobId::parse(text).is_ok()
}

impl<'a> Names<'a> {
    pub(crate) fn new(client: &'a Client) -> Self {
        Self { client }
    }

    pub(crate) fn organisation(&self, text: &str) -> Result<String, Failure> {
        if is_id(text) {
            return Ok(text.to_owned());
        }
        let mut known = Vec::new();
        let mut found = Vec::new();
        for organisation in self.client.every_organisation(&Parameters::new()) {
            let Organisation { id, name } = organisation?;
            let Some(name) = name else { continue };
            if name.as_str() == text {
                found.push(format!("{id}  {name}"));
            }
            if known.len() < LOOKED_THROUGH {
                known.push(name.to_string());
            }
        }
        match found.as_slice() {
            [] => Err(unknown("organisation", text, &known)),
            [one] => Ok(one.split(' ').next().unwrap_or_default().to_owned()),
            several => Err(ambiguous("organisations", text, "say which one by its id", several)),
        }
    }

    /// A source; its name is compared without case.
    pub(crate) fn source(&self, text: &str) -> Result<Named, Failure> {
        if is_id(text) {
            let source = self.client.get_source(text, &Parameters::new())?.value;
            return Ok(Named { id: source.id.to_string(), name: source.name.to_string() });
        }
        let found = self.client.list_sources(&Parameters::new().with("name", text))?.value.items;
        match found.as_slice() {
            [source] => Ok(Named { id: source.id.to_string(), name: source.name.to_string() }),
            _ => {
                let page = self.client.list_sources(&Parameters::new().with("limit", LOOKED_THROUGH))?.value;
                let known: Vec<_> = page.items.iter().map(|source| source.name.to_string()).collect();
                Err(unknown("source", text, &known))
            }
        }
    }

    /// A version: its id, SOURCE@VERSION, or what it is called where the source is known.
    pub(crate) fn version(&self, text: &str, source: Option<&str>) -> Result<Named, Failure> {
        if is_id(text) {
            let version = self.client.get_source_version(text, &Parameters::new())?.value;
            return Ok(Named { id: version.id.to_string(), name: version.version.to_string() });
        }
        let (source, label) = match (text.rsplit_once('@'), source) {
            (Some((source, label)), _) => (self.source(source)?, label),
            (None, Some(source)) => (self.source(source)?, text),
            (None, None) => {
                return Err(Failure::Usage(format!(
                    "say which source the version \"{}\" is of, as SOURCE@{}",
                    printable(text),
                    printable(text)
                )));
            }
        };
        let mut known = Vec::new();
        let wanted = VersionLabel::parse(label).ok();
        for version in self.client.every_source_version(&Parameters::new().with("source_id", &source.id)) {
            let version = version?;
            // As the service compares them: it takes v1.0.0 for 1.0.0.
            if wanted.as_ref().is_some_and(|wanted| wanted.key() == version.version.key()) {
                return Ok(Named { id: version.id.to_string(), name: version.version.to_string() });
            }
            known.push(version.version.to_string());
        }
        let of = printable(&source.name);
        Err(unknown(&format!("version of {of}"), label, &known))
    }

    pub(crate) fn job(&self, text: &str, organisation: Option<&str>) -> Result<Named, Failure> {
        if is_id(text) {
            let job = self.client.get_job(text, &Parameters::new())?.value;
            let wanted = organisation.map(|organisation| self.organisation(organisation)).transpose()?;
            if wanted.is_some_and(|wanted| !wanted.eq_ignore_ascii_case(&job.organisation_id.to_string())) {
                return Err(unknown("job of that organisation", text, &[]));
            }
            return Ok(Named { id: job.id.to_string(), name: job.name.to_string() });
        }
        let organisation = organisation.map(|organisation| self.organisation(organisation)).transpose()?;
        let here = Parameters::new().with_some("organisation_id", organisation.as_deref());
        let found = self.client.list_jobs(&here.clone().with("name", text).with("expand", "organisation"))?.value.items;
        match found.as_slice() {
            [job] => Ok(Named { id: job.id.to_string(), name: job.name.to_string() }),
            [] => {
                let page = self.client.list_jobs(&here.with("limit", LOOKED_THROUGH))?.value;
                let known: Vec<_> = page.items.iter().map(|job| job.name.to_string()).collect();
                Err(unknown("job", text, &known))
            }
            several => {
                let listed: Vec<_> = several.iter().map(candidate).collect();
                Err(ambiguous("jobs", text, "say which one by --organisation, or by its id", &listed))
            }
        }
    }

    /// An input, by its id, or by its name.
    pub(crate) fn input(&self, text: &str, organisation: Option<&str>) -> Result<Named, Failure> {
        if is_id(text) {
            return Ok(Named { id: text.to_owned(), name: text.to_owned() });
        }
        let organisation = organisation.map(|organisation| self.organisation(organisation)).transpose()?;
        let here = Parameters::new().with_some("organisation_id", organisation.as_deref()).with("q", text);
        let mut known = Vec::new();
        let mut found = Vec::new();
        for input in self.client.items::<Node>("/api/v1/inputs", &here) {
            let input = input?;
            let member = |name| input.text(name).unwrap_or_default().to_owned();
            if member("name") == text {
                found.push((member("id"), format!("{}  in {}", member("id"), member("organisation_id"))));
            }
            known.push(member("name"));
        }
        match found.as_slice() {
            [] => Err(unknown("input", text, &known)),
            [(id, _)] => Ok(Named { id: id.clone(), name: text.to_owned() }),
            several => {
                let listed: Vec<_> = several.iter().map(|(_, line)| line.clone()).collect();
                Err(ambiguous("inputs", text, "say which one by --organisation, or by its id", &listed))
            }
        }
    }
}

/// The path of a job.
pub(crate) fn job_path(id: &str) -> String {
    format!("/api/v1/jobs/{}", encoded(id))
}

fn candidate(job: &Job) -> String {
    let organisation = job.organisation.as_ref().and_then(|organisation| organisation.name.as_ref());
    match organisation {
        Some(name) => format!("{}  in {name} ({})", job.id, job.organisation_id),
        None => format!("{}  in {}", job.id, job.organisation_id),
    }
}

fn unknown(what: &str, text: &str, known: &[String]) -> Failure {
    let near = nearest(text, known.iter().map(String::as_str));
    let hint = near.map(|near| format!("; did you mean \"{}\"?", printable(near))).unwrap_or_default();
    Failure::Refused(format!("there is no {what} \"{}\"{hint}", printable(text)))
}

fn ambiguous(what: &str, text: &str, how: &str, candidates: &[String]) -> Failure {
    let mut message = format!("there are {} {what} \"{}\": {how}", candidates.len(), printable(text));
    for candidate in candidates.iter().take(LISTED) {
        message.push_str(&format!("\n  {}", printable(candidate)));
    }
    if candidates.len() > LISTED {
        message.push_str("\n  …");
    }
    Failure::Refused(message)
}
