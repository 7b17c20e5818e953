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
        }
    }
}

impl<T: DeserializeOwned> Items<T> {
    fn fetch(&mut self) -> Result<(), ClientError> {
        let before = match std::mem::replace(&mut self.next, Next::None) {
            Next::Page(cursor) => Some(cursor),
            Next::First | Next::None => None,
        };
        if let Some(cursor) = &before {
            self.parameters.replace("cursor", cursor);
        }
        let answer = self.client.ask(Method::GET, &self.path, None, &self.parameters)?;
        let page: Page<T> = answer.read()?;
        if page.next_cursor.is_some() && page.next_cursor == before {
            let excerpt = "the page after this one is this one again".to_owned();
            return Err(ClientError::Unexpected { status: answer.status, excerpt });
        }
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
