use std::collections::HashSet;
use std::iter::FusedIterator;
use std::vec;

use prediction_wire::Page;
use serde::de::DeserializeOwned;
use ureq::http::Method;

use crate::client::Client;
use crate::error::ClientError;
use crate::parameters::Parameters;

/// The items of a list, page by page: a page is fetched when its first item is asked for. An error is the last thing
/// that comes.
#[derive(Debug)]
pub struct Items<T> {
    client: Client,
    path: String,
    parameters: Parameters,
    page: vec::IntoIter<T>,
    next: Next,
    followed: Cursors,
}

/// The cursors of a list that were followed: a service that gives one again would be asked for ever.
#[derive(Debug, Default)]
pub struct Cursors(HashSet<String>);

impl Cursors {
    /// Whether to go on with what an answer gave as the next cursor.
    pub fn follow(&mut self, next: Option<&str>) -> Result<(), ClientError> {
        match next {
            Some(cursor) if !self.0.insert(cursor.to_owned()) => {
                let excerpt = "the list goes round in a circle: its next page was there before".to_owned();
                Err(ClientError::Unexpected { status: 200, excerpt })
            }
            _ => Ok(()),
        }
    }
}

#[derive(Debug)]
enum Next {
    First,
    Page(String),
    None,
}

impl Client {
    /// The items of the list at that path, whatever they are: a type of an answer, or `serde_json::Value`.
    #[must_use]
    pub fn items<T: DeserializeOwned>(&self, path: &str, parameters: &Parameters) -> Items<T> {
        Items {
            client: self.clone(),
            path: path.to_owned(),
            parameters: parameters.clone(),
            page: Vec::new().into_iter(),
            next: Next::First,
            followed: Cursors::default(),
        }
    }
}

impl<T: DeserializeOwned> Items<T> {
    fn fetch(&mut self) -> Result<(), ClientError> {
        if let Next::Page(cursor) = std::mem::replace(&mut self.next, Next::None) {
            self.parameters.replace("cursor", &cursor);
        }
        let answer = self.client.ask(Method::GET, &self.path, None, &self.parameters)?;
        let page: Page<T> = answer.read()?;
        self.followed.follow(page.next_cursor.as_deref())?;
        self.page = page.items.into_iter();
        self.next = page.next_cursor.map_or(Next::None, Next::Page);
        Ok(())
    }
}

impl<T: DeserializeOwned> Iterator for Items<T> {
    type Item = Result<T, ClientError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(item) = self.page.next() {
                return Some(Ok(item));
            }
            if matches!(self.next, Next::None) {
                return None;
            }
            if let Err(error) = self.fetch() {
                return Some(Err(error));
            }
        }
    }
}

impl<T: DeserializeOwned> FusedIterator for Items<T> {}
