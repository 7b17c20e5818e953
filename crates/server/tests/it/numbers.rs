//! Numbers come back as they were sent, to the bit, on every way that a number takes.

use serde_json::Value;

use crate::harness::{Answer, Model, ORGANISATION_A, Server, on_both_databases, path_of};

on_both_databases!(
    every_finite_number_comes_back_to_the_bit,
    a_zero_has_no_sign,
    however_a_number_is_written_it_is_that_number,
    whole_numbers_may_be_written_as_any_number,
);

/// All kinds of doubles: what lies at the edges, and what random bits make.
fn numbers() -> Vec<f64> {
    let mut numbers = vec![
        0.0,
        1.0,
        -1.0,
        0.1,
        f64::MAX,
        f64::MIN,
        f64::MIN_POSITIVE,
        -f64::MIN_POSITIVE,
        f64::from_bits(1),
        -f64::from_bits(1),
        f64::from_bits(0x000f_ffff_ffff_ffff),
        f64::EPSILON,
        1.0 + f64::EPSILON,
        // One of those that were once read as their neighbours.
        0.945_270_695_553_922_3,
        2.225_073_858_507_201e-308,
        5e-324,
        9_007_199_254_740_991.0,
        9_007_199_254_740_992.0,
        9_007_199_254_740_994.0,
        9_223_372_036_854_775_808.0,
        18_446_744_073_709_551_616.0,
        1e22,
        1e23,
        123_456_789_012_345_680_000.0,
    ];
    // SplitMix64. Half of them as measurements are, between 0 and 1; the other half of any size.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    };
    while numbers.len() < 5_000 {
        numbers.push(f64::from_bits(random() >> 12 | 0x3ff0_0000_0000_0000) - 1.0);
    }
    while numbers.len() < 10_000 {
        let number = f64::from_bits(random());
        if number.is_finite() {
            numbers.push(number);
        }
    }
    numbers
}

/// A report of these numbers, as they are written.
fn report(numbers: &[String]) -> String {
    let values = numbers.iter().enumerate().map(|(index, number)| {
        let (hour, minute, second) = (index / 3600, index / 60 % 60, index % 60);
        format!(r#"{{"role":"mildew","at":"2026-06-02T{hour:02}:{minute:02}:{second:02}Z","value":{number}}}"#)
    });
    let values: Vec<String> = values.collect();
    format!(r#"{{"issued_at":"2026-06-01T12:00:00Z","status":"succeeded","predictions":[{}]}}"#, values.join(","))
}

fn send(server: &Server, job: &Value, report: String) -> Answer {
    let path = format!("{}/runs", path_of(job));
    server.operator().call("POST", &path).body("application/json", report).send()
}

/// The values as they stand in the answer, and as CSV: read by nothing but the standard library.
fn read(server: &Server, job: &Value) -> [Vec<String>; 2] {
    let client = server.member(ORGANISATION_A);
    let path = format!("{}/predictions?limit=10000", path_of(job));
    let json = client.get(&path);
    json.expect(200);
    let after = |text: &str| text.split([',', '}']).next().unwrap().to_owned();
    let json = json.text().split("\"value\":").skip(1).map(after).collect();
    let csv = client.call("GET", &path).header("Accept", "text/csv").send();
    let csv = csv.text().lines().skip(1).map(|line| line.split(',').nth(2).unwrap().to_owned()).collect();
    [json, csv]
}

fn bits(texts: &[String]) -> Vec<u64> {
    texts.iter().map(|text| text.parse::<f64>().unwrap().to_bits()).collect()
}

fn every_finite_number_comes_back_to_the_bit(server: &Server) {
    let job = Model::publish(server, "mildew").job(server, ORGANISATION_A, "Job A");
    let numbers = numbers();
    let shortest: Vec<String> = numbers.iter().map(|number| format!("{number:?}")).collect();
    let run = send(server, &job, report(&shortest)).expect(201);
    let expected: Vec<u64> = numbers.iter().map(|number| number.to_bits()).collect();
    let [json, csv] = read(server, &job);
    assert!(bits(&json) == expected, "other numbers came back as JSON");
    assert_eq!(csv, json);
    // Sending what was read, or the same numbers written otherwise, is the same report.
    let longest = numbers.iter().map(|number| format!("{number:.20e}")).collect();
    // Without an exponent, however many zeros that takes.
    let plain = numbers.iter().map(f64::to_string);
    for again in [json, csv, longest, plain.take(1_000).chain(shortest.iter().skip(1_000).cloned()).collect()] {
        assert_eq!(send(server, &job, report(&again)).expect(200)["id"], run["id"]);
    }
    let mut other = shortest;
    other[9_999] = format!("{:?}", f64::from_bits(numbers[9_999].to_bits() ^ 1));
    send(server, &job, report(&other)).problem(409, "conflict");
}

fn a_zero_has_no_sign(server: &Server) {
    let job = Model::publish(server, "mildew").job(server, ORGANISATION_A, "Job A");
    let zeros = ["0", "-0", "0.0", "-0.0", "-0e5", "-1e-400", "1e-400"].map(str::to_owned);
    send(server, &job, report(&zeros)).expect(201);
    let told = vec!["0.0".to_owned(); zeros.len()];
    assert_eq!(read(server, &job), [told.clone(), told.clone()]);
    send(server, &job, report(&told)).expect(200);
    // As an earlier release stored it on PostgreSQL.
    server.database().execute("UPDATE predictions SET value = '-0'");
    assert_eq!(read(server, &job), [told.clone(), told.clone()]);
    send(server, &job, report(&told)).expect(200);
}

fn however_a_number_is_written_it_is_that_number(server: &Server) {
    let job = Model::publish(server, "mildew").job(server, ORGANISATION_A, "Job A");
    let (written, told): (Vec<&str>, Vec<&str>) = [
        ("1E2", "100.0"),
        ("1e+2", "100.0"),
        ("100", "100.0"),
        ("1.50", "1.5"),
        // Between two doubles: the nearer one, and of two equally near ones the even one.
        ("9007199254740993", "9007199254740992.0"),
        ("9007199254740993.0000000001", "9007199254740994.0"),
        ("9223372036854775807", "9.223372036854776e+18"),
        ("18446744073709551615", "1.8446744073709552e+19"),
        ("18446744073709551616", "1.8446744073709552e+19"),
        ("0.1000000000000000055511151231257827021181583404541015625", "0.1"),
        ("1.7976931348623158079e308", "1.7976931348623157e+308"),
        ("2.4703282292062327208e-324", "0.0"),
        ("2.4703282292062327209e-324", "5e-324"),
    ]
    .into_iter()
    .unzip();
    let written: Vec<String> = written.into_iter().map(str::to_owned).collect();
    send(server, &job, report(&written)).expect(201);
    let [json, csv] = read(server, &job);
    let told: Vec<u64> = told.into_iter().map(|text| text.parse::<f64>().unwrap().to_bits()).collect();
    assert_eq!(bits(&json), told);
    assert_eq!(csv, json);
    for number in ["1e400", "-1e400", "1.7976931348623159e308", &"9".repeat(309)] {
        send(server, &job, report(&[number.to_owned()])).problem(400, "invalid_json");
    }
}

fn whole_numbers_may_be_written_as_any_number(server: &Server) {
    let client = server.operator();
    let model = Model::publish(server, "mildew");
    let job = model.job(server, ORGANISATION_A, "Job A");
    let put = |path: &str, body: &str| client.call("PUT", path).body("application/json", body).send();
    for (number, stored) in [("1.0", 1), ("1e2", 100), ("7.2E2", 720), ("60.000", 60), ("5256000", 5_256_000)] {
        let source = put(&model.source_path(), &format!(r#"{{"expected_interval_minutes": {number}}}"#)).expect(200);
        assert_eq!(source["expected_interval_minutes"], stored, "{number}");
    }
    for number in ["1.5", "1e-1"] {
        put(&model.source_path(), &format!(r#"{{"expected_interval_minutes": {number}}}"#)).problem(422, "invalid");
    }
    put(&path_of(&job), r#"{"active": false, "revision": 1.0}"#).expect(200);
    put(&path_of(&job), r#"{"active": true, "revision": 2.0e0}"#).expect(200);
    put(&path_of(&job), r#"{"active": true, "revision": 0.3e1}"#).expect(200);
    put(&path_of(&job), r#"{"active": true, "revision": 2}"#).problem(412, "precondition_failed");
}
