use clap::{Args, Subcommand};
use prediction_client::printable;

use crate::configuration::{Configuration, Context, context_name};
use crate::console::Console;
use crate::failure::Failure;
use crate::output::{Cell, Column, Table};
use crate::session::{Reach, base_url};
use crate::surroundings::Surroundings;

/// Name services, and choose one
#[derive(Debug, Args)]
pub struct ContextArguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Name a service
    Add(Add),
    /// Choose the service that is meant unless another is named
    Use(Named),
    /// List the services that have a name
    List,
    /// Forget a service, and the login there
    Remove(Named),
}

#[derive(Debug, Args)]
struct Named {
    /// The name of the context
    #[arg(value_parser = context_name)]
    name: String,
}

#[derive(Debug, Args)]
struct Add {
    /// What it is to be called
    #[arg(value_parser = context_name)]
    name: String,
    /// Where the service is
    #[arg(long, value_name = "URL")]
    url: String,
    /// The issuer of its tokens, for `prediction login`
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// What this program is called at the issuer
    #[arg(long, value_name = "ID", requires = "issuer")]
    client_id: Option<String>,
    /// The scopes to ask the issuer for, with spaces between them
    #[arg(long, value_name = "SCOPES", requires = "issuer")]
    scope: Option<String>,
    /// What the issuer calls the service
    #[arg(long, value_name = "NAME", requires = "issuer")]
    audience: Option<String>,
    /// Replace what is known of a service that has the name already. A login at another address or issuer is forgotten
    #[arg(long)]
    replace: bool,
}

pub(crate) fn run(
    arguments: &ContextArguments,
    console: &mut Console<'_>,
    around: &Surroundings,
) -> Result<(), Failure> {
    let kept = Configuration::of(around)?;
    let mut contexts = kept.contexts()?;
    match &arguments.action {
        Action::Add(Add { name, url, issuer, client_id, scope, audience, replace }) => {
            let reach = Reach { url: Some(url.clone()), ..Reach::default() };
            let context = Context {
                url: base_url(&reach, None)?.to_string(),
                issuer: issuer.clone(),
                client_id: client_id.clone(),
                scope: scope.clone(),
                audience: audience.clone(),
            };
            let before = contexts.contexts.get(name);
            if before.is_some() && !replace {
                return Err(Failure::Refused(format!("there is a context {name} already; --replace replaces it")));
            }
            // A login is for where it was made.
            let has_moved = before.is_some_and(|before| {
                (&before.url, &before.issuer, &before.client_id) != (&context.url, &context.issuer, &context.client_id)
            });
            if has_moved {
                kept.forget_login(name)?;
            }
            contexts.contexts.insert(name.clone(), context);
            // The first one is meant, until another is chosen.
            let current = contexts.current.get_or_insert_with(|| name.clone()).clone();
            kept.keep_contexts(&contexts)?;
            console.line(&if current == *name { format!("{name}: in use") } else { format!("{name}: known") })?;
        }
        Action::Use(Named { name }) => {
            if !contexts.contexts.contains_key(name) {
                return Err(Failure::Refused(format!("there is no context {name}")));
            }
            contexts.current = Some(name.clone());
            kept.keep_contexts(&contexts)?;
            console.line(&format!("{name}: in use"))?;
        }
        Action::List => {
            let mut table = Table::new(&[
                Column::new("IN USE", 1),
                Column::new("NAME", 0),
                Column::new("URL", 0),
                Column::new("ISSUER", 2),
            ]);
            for (name, context) in &contexts.contexts {
                let mark = if contexts.current.as_ref() == Some(name) { "*" } else { "" };
                table.rows.push(vec![
                    Cell::Text(mark.to_owned()),
                    Cell::Text(name.clone()),
                    Cell::Text(context.url.clone()),
                    Cell::text(context.issuer.clone()),
                ]);
            }
            if table.rows.is_empty() {
                return Ok(console.note("There are no contexts: prediction context add NAME --url URL")?);
            }
            table.print(console, around.now(), false)?;
        }
        Action::Remove(Named { name }) => {
            if contexts.contexts.remove(name).is_none() {
                return Err(Failure::Refused(format!("there is no context {}", printable(name))));
            }
            if contexts.current.as_ref() == Some(name) {
                contexts.current = None;
            }
            kept.keep_contexts(&contexts)?;
            kept.forget_login(name)?;
            console.line(&format!("{name}: forgotten"))?;
        }
    }
    Ok(())
}
