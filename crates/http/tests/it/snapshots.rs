//! Each problem as it is answered. A change of these files is a change of the API.

use actix_web::body::to_bytes;
use prediction_http::problem::{Problem, ProblemCode};
use serde_json::Value;

#[actix_web::test]
async fn each_problem_has_its_form() {
    for code in ProblemCode::ALL {
        let response = Problem::new(*code).respond(Some("the-request"));
        let status = response.status();
        let bytes = to_bytes(response.into_body()).await.unwrap();
        let body: Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(body["status"], status.as_u16());
        let first = ProblemCode::ALL.iter().find(|first| first.as_str() == code.as_str());
        let name = match first {
            Some(first) if first != code => format!("problem-{}-{}", code.as_str(), status.as_u16()),
            _ => format!("problem-{}", code.as_str()),
        };
        insta::assert_json_snapshot!(name, body);
    }
}
