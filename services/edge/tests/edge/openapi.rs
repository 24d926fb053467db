//! The published description of the HTTP API: a change of it shows in the commit that makes it, and
//! what it describes is really there.

use std::path::Path;

use crate::stage::Stage;
use crate::web::send;

#[tokio::test]
async fn the_document_is_the_committed_one_and_what_it_names_is_there() {
    let stage = Stage::new(&[]).await;
    let edge = stage.edge().await;
    let document = send(edge.address, "GET /v1/openapi.json", &[], None).await;
    let mut made = serde_json::to_string_pretty(&document.body).expect("JSON");
    made.push('\n');
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    if std::env::var_os("UPDATE_CONTRACT").is_some() {
        std::fs::write(&path, &made).expect("written");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == made,
        "docs/openapi.json differs from the code; if the change is meant, run \
         `UPDATE_CONTRACT=1 cargo test -p edge openapi` and commit the difference"
    );
    let paths = document.body["paths"].as_object().expect("paths");
    for (path, methods) in paths {
        let path = path.replace(['{', '}'], "");
        for method in methods.as_object().expect("methods").keys() {
            let request = format!("{} {path}", method.to_uppercase());
            let answer = send(edge.address, &request, &[], None).await;
            assert_ne!(answer.problem(), (405, "wrong_method"), "{request}");
            let wrong = send(edge.address, &format!("PATCH {path}"), &[], None).await;
            assert_eq!(wrong.problem(), (405, "wrong_method"), "PATCH {path}");
        }
    }
}
