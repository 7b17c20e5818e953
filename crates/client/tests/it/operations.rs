use std::collections::BTreeSet;
use std::path::Path;

use prediction_client::OPERATIONS;
use serde_json::Value;

#[test]
fn every_operation_of_the_document_has_a_method() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    let document: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut described = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            if let Some(id) = operation["operationId"].as_str() {
                described.insert((id.to_owned(), method.to_uppercase(), path.clone()));
            }
        }
    }
    let known = OPERATIONS
        .iter()
        .map(|operation| (operation.id.to_owned(), operation.method.to_owned(), operation.path.to_owned()));
    assert_eq!(known.collect::<BTreeSet<_>>(), described);
}
