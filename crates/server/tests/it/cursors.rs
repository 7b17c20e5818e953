//! Cursors that were made up: whatever is in them, the list begins somewhere or the cursor is refused.

use sha2::{Digest as _, Sha256};

use crate::harness::{Model, ORGANISATION_A, Server, base64url, on_both_databases, path_of};

on_both_databases!(made_up_cursors_are_refused_or_lead_somewhere);

/// A cursor with that content, sealed as the service does it.
fn sealed(list: &str, content: &[u8]) -> String {
    let check = Sha256::new().chain_update(list).chain_update([0]).chain_update(content).finalize();
    base64url([content, &check[..8]].concat())
}

/// Contents of every length that a place could have, with bytes that are chosen by chance, and numbers at the ends of
/// what there is.
fn contents() -> Vec<Vec<u8>> {
    let chance = |number: u32| Sha256::digest(number.to_be_bytes()).repeat(2);
    let mut contents: Vec<Vec<u8>> =
        (0..120).map(|number| chance(number)[..usize::try_from(number % 40).unwrap()].to_vec()).collect();
    // Among the times, the first and the last of all years, and years that no database has.
    let numbers: [i64; 10] = [
        i64::MIN,
        i64::MIN + 1,
        -8_334_601_228_800_000_000,
        -62_167_219_200_000_001,
        -62_167_219_200_000_000,
        -1,
        0,
        253_402_300_799_999_999,
        253_402_300_800_000_000,
        i64::MAX,
    ];
    for number in numbers.map(i64::to_be_bytes) {
        contents.push(number.to_vec());
        for id in [[0; 16], [0xff; 16], [0x11; 16]] {
            contents.push([&id[..], &number].concat());
            contents.push([&number[..], &id].concat());
        }
        for role in [&b"prediction"[..], b"\0", b"\xff", "\u{202e}".as_bytes()] {
            contents.push([&number[..], role].concat());
            contents.push([&number[..], &number, role].concat());
        }
    }
    contents
}

fn made_up_cursors_are_refused_or_lead_somewhere(server: &Server) {
    let model = Model::publish(server, "mildew");
    let job = model.job(server, ORGANISATION_A, "Job A");
    let (path, id) = (path_of(&job), job["id"].as_str().unwrap());
    let client = server.operator();
    client.post(&format!("{path}/runs"), &Model::report("well")).expect(201);
    for (path, list) in [
        ("/api/v1/sources".to_owned(), "sources".to_owned()),
        ("/api/v1/source_versions".to_owned(), "source_versions".to_owned()),
        ("/api/v1/jobs".to_owned(), "jobs".to_owned()),
        (format!("{path}/revisions"), format!("revisions of {id}")),
        (format!("{path}/runs"), format!("runs of {id}")),
        (format!("{path}/predictions"), format!("predictions of {id}")),
    ] {
        client.get(&path).expect(200);
        let mut refused = 0;
        for content in contents() {
            let answer = client.get(&format!("{path}?cursor={}", sealed(&list, &content)));
            if answer.status != 200 {
                answer.problem(400, "invalid_cursor");
                refused += 1;
            }
        }
        assert!(refused > 0, "{list}: no length is refused");
    }
}
