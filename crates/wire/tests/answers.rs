//! Answers are read as they are written, whatever is in them, and also those of a later release.
#![expect(clippy::unwrap_used, reason = "a test that unwraps nothing fails, as it should")]

use std::fmt::Debug;

use prediction_domain::model::{
    Compatibility, HealthStatus, ImpactOutcome, InputAction, LifecycleStage, OutputAction, RoleChange, RunStatus,
    Timestamp, Violation,
};
use prediction_wire as wire;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Writes and reads it, with a member that this release does not know in every object.
fn assert_reads_back<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    let written = serde_json::to_value(value).unwrap();
    assert_eq!(&serde_json::from_value::<T>(written.clone()).unwrap(), value);
    let text = serde_json::to_string(value).unwrap();
    assert_eq!(&serde_json::from_str::<T>(&text).unwrap(), value, "from text");
    let later = with_unknown_members(written.clone());
    let read = serde_json::from_value::<T>(later).unwrap();
    let mut again = serde_json::to_value(read).unwrap();
    // A problem keeps the members that only it has.
    if let Some(object) = again.as_object_mut() {
        object.remove("a_later_member");
    }
    assert_eq!(again, written);
}

fn with_unknown_members(value: Value) -> Value {
    match value {
        Value::Object(object) => {
            let mut members: serde_json::Map<_, _> =
                object.into_iter().map(|(name, value)| (name, with_unknown_members(value))).collect();
            members.insert("a_later_member".to_owned(), json!({"of": ["any", "type"]}));
            members.into()
        }
        Value::Array(items) => items.into_iter().map(with_unknown_members).collect(),
        other => other,
    }
}

fn id() -> impl Strategy<Value = Value> {
    any::<u128>().prop_map(|bits| json!(uuid(bits | 1)))
}

fn uuid(bits: u128) -> String {
    let hex = format!("{bits:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

fn time() -> impl Strategy<Value = Value> {
    (0_i64..253_402_300_799_999_999).prop_map(|micros| json!(Timestamp::from_micros(micros).unwrap()))
}

/// Text in any script, of which the first character is visible.
fn word() -> impl Strategy<Value = Value> {
    "[a-zé漢°]\\PC{0,40}".prop_map(Value::from)
}

fn or_null(strategy: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    prop::option::of(strategy).prop_map(|value| value.unwrap_or(Value::Null))
}

fn revision() -> impl Strategy<Value = Value> {
    (1_i64..i64::MAX).prop_map(Value::from)
}

fn source() -> impl Strategy<Value = Value> {
    (
        (id(), or_null(id()), word(), or_null(word())),
        (or_null((1..5_256_000).prop_map(Value::from)), or_null((1..87_600).prop_map(Value::from))),
        (revision(), time(), time()),
    )
        .prop_map(|((id, owner, name, description), (interval, retention), (revision, created, updated))| {
            json!({
                "id": id, "owner_organisation_id": owner, "name": name, "description": description,
                "expected_interval_minutes": interval, "retention_hours": retention,
                "revision": revision, "created_at": created, "updated_at": updated, "managed_by": description,
            })
        })
}

fn roles(is_input: bool, least: usize) -> impl Strategy<Value = Value> {
    let role = (word(), word(), or_null(word()), any::<bool>(), or_null(word()));
    prop::collection::vec(role, least..5).prop_map(move |roles| {
        let role = |(index, (word, metric, unit, required, description)): (
            usize,
            (Value, Value, Value, bool, Value),
        )| {
            let name = format!("{index}{}", word.as_str().unwrap());
            let mut role =
                json!({"role": name, "metric": metric, "unit": unit, "required": required, "description": description});
            if is_input {
                role["input_kind"] = json!("sensor");
                role["aliases"] = json!(["old", "older"][..index % 3]);
            }
            role
        };
        roles.into_iter().enumerate().map(role).collect()
    })
}

fn version() -> impl Strategy<Value = Value> {
    (id(), id(), word(), or_null(word()), roles(true, 0), roles(false, 1), time(), lifecycle()).prop_map(
        |(id, source_id, version, description, input_roles, output_roles, created_at, lifecycle)| {
            let digest = format!("sha256:{}", "0a".repeat(32));
            json!({
                "id": id, "source_id": source_id, "version": version, "description": description,
                "input_roles": input_roles, "output_roles": output_roles, "contract_digest": digest,
                "created_at": created_at, "lifecycle": lifecycle, "managed_by": description,
            })
        },
    )
}

fn lifecycle() -> impl Strategy<Value = Value> {
    let stage = prop::sample::select(LifecycleStage::ALL.to_vec());
    (stage, or_null(word()), or_null(id()), or_null(time()), revision(), or_null(time()), or_null(word())).prop_map(
        |(stage, reason, replaced_by, end, revision, changed_at, changed_by)| {
            json!({
                "stage": stage, "reason": reason, "replaced_by": replaced_by, "end_of_life_at": end, "revision": revision,
                "changed_at": changed_at, "changed_by": changed_by,
            })
        },
    )
}

fn bindings() -> impl Strategy<Value = Value> {
    prop::collection::vec((word(), id(), word()), 0..4).prop_map(|bindings| {
        bindings
            .into_iter()
            .map(|(role, input_id, kind)| json!({"role": role, "input_id": input_id, "input_type": kind}))
            .collect()
    })
}

fn outputs() -> impl Strategy<Value = Value> {
    prop::collection::vec((id(), word(), word(), or_null(word())), 0..4).prop_map(|outputs| {
        outputs
            .into_iter()
            .map(|(id, role, metric, unit)| json!({"id": id, "role": role, "metric": metric, "unit": unit}))
            .collect()
    })
}

fn job_output() -> impl Strategy<Value = Value> {
    (id(), word()).prop_map(|(id, word)| {
        json!({
            "id": id, "organisation_id": id, "job_id": id, "job_name": word, "source_version_id": id, "role": word,
            "metric": word, "unit": null,
        })
    })
}

fn health() -> impl Strategy<Value = Value> {
    let status = prop::sample::select(HealthStatus::ALL.to_vec());
    let blocking = prop::collection::vec(id(), 0..3);
    (status, prop::array::uniform4(or_null(time())), any::<u64>(), blocking).prop_map(
        |(status, [run, success, next, overdue], failures, blocking)| {
            let mut health = json!({
                "status": status, "last_run_at": run, "last_success_at": success, "next_expected_at": next,
                "overdue_since": overdue, "consecutive_failures": failures,
            });
            if !blocking.is_empty() {
                health["blocked_by"] = json!(blocking);
            }
            health
        },
    )
}

fn job() -> impl Strategy<Value = Value> {
    let parts = (bindings(), outputs(), health(), prop::option::of(source()), prop::option::of(version()));
    (prop::array::uniform4(id()), word(), any::<bool>(), parts, revision(), time()).prop_map(
        |([id, organisation, source_id, version_id], name, active, parts, revision, at)| {
            let (role_bindings, outputs, health, source, version) = parts;
            let mut job = json!({
                "id": id, "organisation_id": organisation, "source_id": source_id, "source_version_id": version_id,
                "name": name, "active": active, "role_bindings": role_bindings, "outputs": outputs, "health": health,
                "revision": revision, "created_at": at, "updated_at": at, "managed_by": name,
            });
            for (name, part) in [("source", source), ("source_version", version)] {
                if let Some(part) = part {
                    job[name] = part;
                }
            }
            job
        },
    )
}

fn input() -> impl Strategy<Value = Value> {
    (id(), id(), word(), word(), or_null(word()), or_null(word()), revision(), time()).prop_map(
        |(id, organisation, kind, name, metric, unit, revision, at)| {
            json!({
                "id": id, "organisation_id": organisation, "kind": kind, "name": name, "metric": metric, "unit": unit,
                "revision": revision, "created_at": at, "updated_at": at, "managed_by": metric,
            })
        },
    )
}

fn job_revision() -> impl Strategy<Value = Value> {
    (id(), revision(), id(), word(), any::<bool>(), bindings(), outputs(), time(), or_null(word())).prop_map(
        |(job_id, revision, version_id, name, active, role_bindings, outputs, at, by)| {
            json!({
                "job_id": job_id, "revision": revision, "source_version_id": version_id, "name": name, "active": active,
                "role_bindings": role_bindings, "outputs": outputs, "changed_at": at, "changed_by": by,
            })
        },
    )
}

fn run() -> impl Strategy<Value = Value> {
    let status = prop::sample::select(RunStatus::ALL.to_vec());
    ((id(), id(), id()), revision(), time(), status, or_null(word()), 0..10_000_u32, (or_null(id()), or_null(id())))
        .prop_map(|((id, job_id, version_id), revision, at, status, message, count, (replaces, replaced_by))| {
            json!({
                "id": id, "job_id": job_id, "job_revision": revision, "source_version_id": version_id, "issued_at": at,
                "status": status, "message": message, "prediction_count": count, "received_at": at,
                "replaces": replaces, "replaced_by": replaced_by,
            })
        })
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| prop::collection::vec(inner, 0..3).prop_map(Value::from))
}

fn warnings() -> impl Strategy<Value = Value> {
    prop::collection::vec((word(), word(), any_json()), 0..3).prop_map(|warnings| {
        warnings
            .into_iter()
            .map(|(code, message, details)| json!({"code": code, "message": message, "details": details}))
            .collect()
    })
}

fn problem() -> impl Strategy<Value = Value> {
    let entry = (any::<bool>(), word(), prop::option::of(any_json()), prop::option::of(any_json()));
    (or_null(word()), prop::collection::vec(entry, 0..3), 0..3_u64, id()).prop_map(
        |(request_id, entries, omitted, id)| {
            let mut problem = json!({
                "type": "/problems/conflict", "title": "t", "status": 409, "detail": "d", "code": "conflict",
                "request_id": request_id, "existing_id": id,
            });
            let entry = |(in_body, text, expected, actual): (bool, Value, Option<Value>, Option<Value>)| {
                let mut entry = json!({"code": "differs", "message": text});
                entry[if in_body { "pointer" } else { "parameter" }] = text;
                for (name, value) in [("expected", expected), ("actual", actual)] {
                    if let Some(value) = value {
                        entry[name] = value;
                    }
                }
                entry
            };
            let entries: Vec<Value> = entries.into_iter().map(entry).collect();
            if !entries.is_empty() {
                problem["errors"] = entries.into();
            }
            if omitted > 0 {
                problem["errors_omitted"] = omitted.into();
            }
            problem
        },
    )
}

fn comparison() -> impl Strategy<Value = Value> {
    let class = || prop::sample::select(Compatibility::ALL.to_vec());
    let difference = || {
        (word(), any_json(), any_json())
            .prop_map(|(member, from, to)| json!({"member": member, "from": from, "to": to}))
    };
    let role = || {
        (word(), prop::sample::select(RoleChange::ALL.to_vec()), class(), prop::collection::vec(difference(), 0..3))
            .prop_map(|(role, change, compatibility, differences)| {
                let previous = (change == RoleChange::Renamed).then_some("old");
                json!({
                    "role": role, "previous_role": previous, "change": change, "compatibility": compatibility,
                    "differences": differences,
                })
            })
    };
    let roles = || prop::collection::vec(role(), 0..4);
    let reference = || (id(), word()).prop_map(|(id, version)| json!({"id": id, "version": version}));
    (reference(), reference(), class(), roles(), roles()).prop_map(|(from, to, compatibility, inputs, outputs)| {
        json!({
            "from": from, "to": to, "compatibility": compatibility, "input_roles": inputs, "output_roles": outputs,
        })
    })
}

fn plan() -> impl Strategy<Value = Value> {
    let class = prop::sample::select(Compatibility::ALL.to_vec());
    (id(), word(), class, bindings(), outputs()).prop_map(|(id, word, compatibility, bindings, outputs)| {
        let reference = json!({"id": id, "version": word});
        let actions = InputAction::ALL.iter().cycle();
        let inputs: Vec<Value> = bindings.as_array().unwrap().iter().zip(actions).map(|(binding, action)| {
            json!({"role": binding["role"], "action": action, "previous_role": null, "binding": binding})
        }).chain([json!({"role": word, "action": "unbound", "previous_role": word, "binding": null})]).collect();
        let actions = OutputAction::ALL.iter().cycle();
        let outputs: Vec<Value> = outputs.as_array().unwrap().iter().zip(actions).map(|(output, action)| {
            json!({"role": output["role"], "action": action, "id": output["id"]})
        }).collect();
        json!({"from": reference, "to": reference, "compatibility": compatibility, "inputs": inputs, "outputs": outputs})
    })
}

/// Reads what is generated, and what that is written as.
fn check<T: Serialize + DeserializeOwned + PartialEq + Debug>(answers: impl Strategy<Value = Value>) {
    TestRunner::default()
        .run(&answers, |answer| {
            let read: T = serde_json::from_value(answer.clone())
                .map_err(|error| TestCaseError::fail(format!("{error}: {answer}")))?;
            prop_assert_eq!(serde_json::to_value(&read).unwrap(), answer);
            assert_reads_back(&read);
            Ok(())
        })
        .unwrap();
}

#[test]
fn every_answer_about_inputs_reads_back() {
    check::<wire::Input>(input());
    check::<wire::UpdatedInput>((input(), warnings()).prop_map(|(mut input, warnings)| {
        if warnings != json!([]) {
            input["warnings"] = warnings;
        }
        input
    }));
    check::<wire::RoleBinding>((word(), id(), word(), input(), prop::option::of(-1e9..1e9)).prop_map(
        |(word, id, kind, input, number)| {
            let conversion = json!({"from": word, "to": kind, "factor": number, "offset": number});
            json!({"role": word, "input_id": id, "input_type": kind, "input": input, "conversion": conversion})
        },
    ));
    let fit = prop::sample::select(vec!["exact", "convertible", "unverified"]);
    check::<wire::Candidate>((input(), fit).prop_map(|(input, fit)| {
        let conversion = json!({"from": "K", "to": "°C", "factor": 1.0, "offset": -273.15});
        let conversion = if fit == "convertible" { conversion } else { Value::Null };
        json!({"input": input, "fit": fit, "conversion": conversion})
    }));
    check::<wire::Candidate>(
        job_output().prop_map(|output| json!({"output": output, "fit": "exact", "conversion": null})),
    );
    check::<wire::JobOutput>(job_output());
    check::<wire::RoleBinding>((word(), id(), job_output()).prop_map(
        |(role, id, output)| json!({"role": role, "input_id": id, "input_type": "output", "output": output}),
    ));
    check::<wire::Lineage>((id(), word(), health(), any::<bool>()).prop_map(|(id, word, health, cut)| {
        let (source, version) = (json!({"id": id, "name": word}), json!({"id": id, "version": word}));
        let mut node = json!({"job_id": id, "name": word, "source": source, "source_version": version});
        node["health"] = health;
        let edge = json!({"from_output_id": id, "from_job_id": id, "to_job_id": id, "role": word});
        json!({"nodes": [node], "edges": [edge], "truncated": cut})
    }));
    let use_of_input = (id(), id(), word(), any::<bool>(), prop::collection::vec(word(), 0..3));
    check::<wire::InputUse>(use_of_input.prop_map(|(job, organisation, name, active, roles)| {
        json!({"job_id": job, "organisation_id": organisation, "name": name, "active": active, "roles": roles})
    }));
    let outcome = prop::sample::select(vec!["created", "changed", "unchanged"]);
    check::<wire::InputImport>((id(), id(), outcome, revision()).prop_map(|(id, organisation, outcome, revision)| {
        let result = json!({"id": id, "organisation_id": organisation, "outcome": outcome, "revision": revision});
        json!({"counts": {"created": 1, "changed": 2, "unchanged": 3}, "results": [result]})
    }));
    check::<wire::Organisation>((id(), or_null(word())).prop_map(|(id, name)| json!({"id": id, "name": name})));
}

#[test]
fn every_answer_reads_back() {
    check::<wire::Source>(source());
    check::<wire::UpdatedSource>((source(), any::<bool>()).prop_map(|(mut source, deletes)| {
        if deletes {
            source["deletes"] = json!({"values": 3, "jobs": 2, "at_least": true});
        }
        source
    }));
    check::<wire::SourceVersion>(version());
    check::<wire::SourceVersionItem>((version(), any::<bool>()).prop_map(|(mut version, is_short)| {
        if is_short {
            let object = version.as_object_mut().unwrap();
            object.remove("input_roles");
            object.remove("output_roles");
        }
        version
    }));
    check::<wire::SourceVersionComparison>(comparison());
    check::<wire::Job>(job());
    check::<wire::Lifecycle>(lifecycle());
    check::<wire::UpdatedJob>((job(), warnings()).prop_map(|(mut job, warnings)| {
        if warnings != json!([]) {
            job["warnings"] = warnings;
        }
        job
    }));
    check::<wire::JobRevision>(job_revision());
    check::<wire::Run>(run());
    check::<wire::ReportedRun>((run(), warnings()).prop_map(|(mut run, warnings)| {
        run["warnings"] = warnings;
        run
    }));
    check::<wire::JobRevisionComparison>((revision(), time(), or_null(word()), any_json(), any_json()).prop_map(
        |(revision, at, by, from, to)| {
            let reference = json!({"revision": revision, "changed_at": at, "changed_by": by});
            let difference = json!({"member": "outputs", "role": by, "from": from, "to": to});
            json!({"from": reference, "to": reference, "differences": [difference]})
        },
    ));
    check::<wire::JobUpgrade>(
        (job(), plan(), warnings())
            .prop_map(|(job, plan, warnings)| json!({"job": job, "plan": plan, "warnings": warnings})),
    );
    let outcome = prop::sample::select(ImpactOutcome::ALL.to_vec());
    check::<wire::SourceVersionImpact>((id(), word(), outcome, any::<Option<u64>>(), or_null(word())).prop_map(
        |(id, word, outcome, count, next)| {
            let counts = count.map(
                |count| json!({"ready": count, "needs_binding": 0, "breaking": 1, "up_to_date": count, "blocked": 0}),
            );
            let item = json!({
                "job_id": id, "organisation_id": id, "name": word, "source_version_id": id, "outcome": outcome,
                "missing_roles": [word], "dropped_roles": [], "changed_outputs": [word], "outputs_in_use": [word],
            });
            json!({"counts": counts, "items": [item], "next_cursor": next})
        },
    ));
    check::<wire::JobUpgrades>((id(), revision(), or_null(word())).prop_map(|(id, revision, next)| {
        let done = json!({
            "job_id": id, "organisation_id": id, "outcome": "upgraded", "revision": revision, "problem": null,
        });
        // With its problem, which is looked at by itself.
        let refused = json!({
            "job_id": id, "organisation_id": null, "outcome": "refused", "revision": null, "problem": null,
        });
        let counts = json!({"upgraded": 1, "unchanged": 0, "refused": 1});
        json!({"results": [done, refused], "counts": counts, "next_cursor": next})
    }));
    check::<wire::Provenance>((word(), time(), run(), or_null(job_revision()), version()).prop_map(
        |(role, at, run, revision, version)| {
            let value = json!({"role": role, "at": at, "value": 1.5, "issued_at": at, "run_id": run["id"]});
            json!({"value": value, "run": run, "job_revision": revision, "source_version": version})
        },
    ));
    check::<wire::Prediction>((word(), time(), -1e300..1e300, time(), id()).prop_map(|(role, at, value, issued_at, run_id)| {
        json!({"role": role, "at": at, "value": value, "issued_at": issued_at, "run_id": run_id})
    }));
    check::<wire::JobSetup>((source(), version(), job(), warnings()).prop_map(|(source, version, job, warnings)| {
        let outcome = json!({"source": "created", "source_version": "reused", "job": "created"});
        json!({"source": source, "source_version": version, "job": job, "outcome": outcome, "warnings": warnings})
    }));
    check::<wire::JobHealthCounts>((any::<[u64; 7]>(), time()).prop_map(|(counts, judged_at)| {
        let counts: serde_json::Map<String, Value> = HealthStatus::ALL
            .iter()
            .zip(counts)
            .map(|(status, count)| (status.as_str().to_owned(), count.into()))
            .collect();
        json!({"counts": counts, "judged_at": judged_at})
    }));
    check::<wire::ServiceHealth>(any::<bool>().prop_map(|is_degraded| {
        if is_degraded {
            json!({"status": "degraded", "degraded": [{"check": "clock", "detail": "d"}]})
        } else {
            json!({"status": "ready"})
        }
    }));
    check::<wire::Problem>(problem());
    check::<wire::Page<wire::Run>>(
        (prop::collection::vec(run(), 0..3), or_null(word()))
            .prop_map(|(items, cursor)| json!({"items": items, "next_cursor": cursor})),
    );
}

#[test]
fn a_contract_is_read_with_its_digest() {
    let version: wire::SourceVersion = serde_json::from_str(include_str!("answers/source-version.json")).unwrap();
    let contract = version.contract().unwrap();
    assert_eq!(contract.digest(), version.contract_digest());
    let direct: prediction_domain::model::Contract =
        serde_json::from_str(include_str!("answers/source-version.json")).unwrap();
    assert_eq!(direct, contract);
}

#[test]
fn a_violation_is_told_by_its_pointer() {
    let violation: Violation =
        prediction_domain::model::JobId::parse("x").unwrap_err().at(prediction_domain::model::Path::of("a/b").index(1));
    let entry = wire::ProblemEntry::from(&violation);
    assert_eq!(entry.pointer.as_deref(), Some("/a~1b/1"));
    assert_reads_back(&entry);
}
