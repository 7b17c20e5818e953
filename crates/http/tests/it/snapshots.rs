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
        insta::assert_json_snapshot!(format!("problem-{}", code.as_str()), body);
    }
}
