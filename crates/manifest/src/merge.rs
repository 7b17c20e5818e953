//! Several documents become one.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::file::{File, Place};
use crate::mistake::{Mistake, Mistakes};
use crate::nearest::nearest;
use crate::node::{Content, Node, Span};
use crate::shape::{Kind, Shape};
use crate::texts::Checks;

/// Makes one document of several.
pub(crate) fn merge(files: &[Arc<File>], roots: Vec<Node>, shape: &Shape<'_>, mistakes: &mut Mistakes) -> Node {
    let file = roots.first().map_or(0, |root| root.file);
    let mut merging = Merging { files, shape, members: Vec::new(), mistakes };
    for root in roots {
        merging.root(root);
    }
    merging.find_duplicates();
    let root = Node { file, span: Span::new(0..0), key: None, content: Content::Object(merging.members) };
    Checks { files, expect: shape.expect, path: String::new() }.check(&root, mistakes);
    root
}

struct Merging<'a, 'm> {
    files: &'a [Arc<File>],
    shape: &'a Shape<'a>,
    members: Vec<(String, Node)>,
    mistakes: &'m mut Mistakes,
}

impl Merging<'_, '_> {
    /// Where something begins that is in a file.
    fn place(&self, file: usize, span: Span) -> Place {
        Place::new(&self.files[file], span.range())
    }

    fn head(&self, node: &Node) -> Place {
        self.place(node.file, node.head(self.files[node.file].text().unwrap_or_default()))
    }

    /// An item, which may span many lines.
    fn first(&self, node: &Node) -> Place {
        self.place(node.file, node.first(self.files[node.file].text().unwrap_or_default()))
    }

    fn root(&mut self, root: Node) {
        let what = match root.content {
            Content::Object(members) => {
                for (name, node) in members {
                    self.member(name, node);
                }
                return;
            }
            Content::Broken => return,
            Content::List(_) => "a list",
            _ => "a single value",
        };
        let message = format!("the file has {what} where an object with members is expected");
        let names: Vec<String> = self.shape.members.iter().map(|member| format!("`{}`", member.name)).collect();
        let mistake = Mistake::new("not_an_object", message).at(self.first(&root));
        self.mistakes.push(mistake.hint(format!("its members may be {}", names.join(", "))));
    }

    fn member(&mut self, name: String, node: Node) {
        let Some(member) = self.shape.members.iter().find(|member| member.name == name) else {
            let place = self.place(node.file, node.key.unwrap_or(node.span));
            let mistake = Mistake::new("unknown_member", format!("`{name}` is not a member of the document")).at(place);
            self.mistakes.push(match nearest(&name, self.shape.members.iter().map(|member| member.name)) {
                Some(near) => mistake.hint(format!("did you mean `{near}`?")),
                None => mistake,
            });
            return;
        };
        match member.kind {
            Kind::Scalar => self.scalar(name, node),
            Kind::List { .. } => self.list(name, node),
        }
    }

    fn scalar(&mut self, name: String, node: Node) {
        let Some((_, first)) = self.members.iter().find(|(other, _)| *other == name) else {
            self.members.push((name, node));
            return;
        };
        // Many documents may repeat it: what the first one is does not count for each of them.
        if first.differs(&node) {
            let message = format!("`{name}` has two different values");
            let first = self.head(first);
            let mistake = Mistake::new("conflict", message).at(self.head(&node)).note("it is another one here", first);
            self.mistakes.push(mistake);
        }
    }

    fn list(&mut self, name: String, node: Node) {
        let items = match node.content {
            Content::List(items) => items,
            Content::Broken => return,
            _ => {
                let mistake = Mistake::new("not_a_list", format!("`{name}` is a list")).at(self.head(&node));
                let is_empty = node.span.is_empty();
                let hint = if is_empty { format!("an empty one is written `{name}: []`") } else { String::new() };
                self.mistakes.push(if is_empty { mistake.hint(hint) } else { mistake });
                return;
            }
        };
        match self.members.iter_mut().find(|(other, _)| *other == name) {
            Some((_, Node { content: Content::List(first), .. })) => first.extend(items),
            _ => self.members.push((name, Node { content: Content::List(items), ..node })),
        }
    }

    /// Items that are known by the same text.
    fn find_duplicates(&mut self) {
        let mut scalars = Map::new();
        for (name, node) in &self.members {
            if !matches!(node.content, Content::List(_)) && node.is_whole() {
                scalars.insert(name.clone(), node.to_value());
            }
        }
        for member in self.shape.members {
            let Kind::List { key } = member.kind else { continue };
            let found = self.members.iter().find(|(name, _)| name == member.name).map(|(_, node)| &node.content);
            let Some(Content::List(items)) = found else { continue };
            let mut first: HashMap<String, &Node> = HashMap::new();
            let mut duplicates = Vec::new();
            for item in items.iter().filter(|item| item.is_whole()) {
                let Some(key) = key(&scalars, &item.to_value()) else { continue };
                match first.get(&key) {
                    Some(first) => duplicates.push((key, self.first(item), self.first(first))),
                    None => drop(first.insert(key, item)),
                }
            }
            for (key, place, first) in duplicates {
                let message = format!("`{}` has {} twice", member.name, Value::from(key));
                let mistake = Mistake::new("duplicate_item", message).at(place);
                self.mistakes.push(mistake.note("it is here first", first));
            }
        }
    }
}
