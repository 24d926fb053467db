//! `compose.yaml` against what it refers to: roles, variables, build targets, other services.
//!
//! No container engine is needed: what goes wrong in such files is a name that does not exist on the other side.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use devstack::nats::rights::role_names;
use serde_yaml_ng::{Mapping, Value};

type Outcome = anyhow::Result<()>;

const SERVICES: [&str; 9] = [
    "director",
    "edge",
    "identity",
    "lobby",
    "nats",
    "postgres",
    "projector",
    "streams",
    "worker",
];
/// These come from elsewhere.
const OTHERS: [&str; 2] = ["nats", "postgres"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> anyhow::Result<String> {
    fs::read_to_string(root().join(path)).with_context(|| path.to_owned())
}

fn compose() -> anyhow::Result<Value> {
    let mut compose: Value = serde_yaml_ng::from_str(&read("compose.yaml")?)?;
    compose.apply_merge()?;
    Ok(compose)
}

fn services(compose: &Value) -> anyhow::Result<Vec<(String, &Mapping)>> {
    let services = compose["services"].as_mapping().context("services")?;
    services
        .iter()
        .map(|(name, service)| {
            let name = name.as_str().context("a name")?.to_owned();
            Ok((name.clone(), service.as_mapping().context(name)?))
        })
        .collect()
}

fn texts(value: Option<&Value>) -> Vec<String> {
    let list = value.and_then(Value::as_sequence).into_iter().flatten();
    list.filter_map(|text| text.as_str().map(str::to_owned))
        .collect()
}

/// The names that follow `mark` in `text`.
fn variables(text: &str, mark: &str) -> BTreeSet<String> {
    let after = text.split(mark).skip(1);
    let name = |rest: &str| {
        let end = rest
            .find(|c: char| !(c.is_ascii_uppercase() || c == '_'))
            .unwrap_or(rest.len());
        rest[..end].to_owned()
    };
    after
        .map(name)
        .filter(|name| name.starts_with("WORLDLINE_"))
        .collect()
}

#[test]
fn every_role_is_a_service_that_is_checked_and_not_root() -> Outcome {
    let compose = compose()?;
    let services = services(&compose)?;
    let names: BTreeSet<&str> = services.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, SERVICES.into());
    for (name, service) in &services {
        let user = service
            .get("user")
            .and_then(Value::as_str)
            .with_context(|| format!("{name}: user"))?;
        assert!(
            !["", "0", "root"].contains(&user.split(':').next().unwrap_or_default()),
            "{name} runs as {user}"
        );
        let health = service
            .get("healthcheck")
            .with_context(|| format!("{name}: healthcheck"))?;
        let once = service.get("restart").and_then(Value::as_str) == Some("no");
        assert!(
            once || !texts(health.get("test")).is_empty(),
            "{name} is not checked"
        );
        let waited_for = service.get("depends_on").and_then(Value::as_mapping);
        for (other, how) in waited_for.into_iter().flatten() {
            let other = other.as_str().context("a name")?;
            assert!(names.contains(other), "{name} waits for {other}");
            let condition = how["condition"].as_str().context("a condition")?;
            let expected = if other == "streams" {
                "service_completed_successfully"
            } else {
                "service_healthy"
            };
            assert_eq!(condition, expected, "{name} waits for {other}");
        }
    }
    Ok(())
}

#[test]
fn every_service_is_a_broker_user_of_its_own() -> Outcome {
    let (compose, roles) = (compose()?, role_names()?);
    for (name, service) in services(&compose)? {
        if OTHERS.contains(&name.as_str()) {
            continue;
        }
        let environment = service
            .get("environment")
            .with_context(|| format!("{name}: environment"))?;
        let user = environment["WORLDLINE_BROKER_USER"]
            .as_str()
            .context("a user")?;
        let password = environment["WORLDLINE_BROKER_PASSWORD"]
            .as_str()
            .context("a password")?;
        assert_eq!(user, if name == "streams" { "admin" } else { &name });
        assert!(roles.iter().any(|role| role == user), "{user} is no role");
        assert!(
            password.contains(&format!(
                "${{WORLDLINE_NATS_PASSWORD_{}:?",
                user.to_uppercase()
            )),
            "{name}: {password}"
        );
        let command = texts(service.get("command"));
        assert_eq!(
            command.first(),
            Some(&name),
            "the service is its subcommand"
        );
    }
    Ok(())
}

#[test]
fn the_broker_gets_every_variable_that_its_configuration_reads() -> Outcome {
    let read_by_broker =
        [read("nats/server.conf")?, read("nats/users.conf")?].map(|text| variables(&text, "$"));
    let expected: BTreeSet<String> = read_by_broker.into_iter().flatten().collect();
    let compose = compose()?;
    let given = compose["services"]["nats"]["environment"]
        .as_mapping()
        .context("an environment")?;
    let given: BTreeSet<String> = given
        .keys()
        .filter_map(|key| key.as_str().map(str::to_owned))
        .collect();
    assert_eq!(given, expected);
    Ok(())
}

#[test]
fn what_is_built_and_kept_has_a_definition() -> Outcome {
    let compose = compose()?;
    let dockerfile = read("deploy/Dockerfile")?;
    for (name, service) in services(&compose)? {
        if let Some(build) = service.get("build") {
            assert_eq!(
                build["dockerfile"].as_str(),
                Some("deploy/Dockerfile"),
                "{name}"
            );
            let target = build["target"].as_str().context("a target")?;
            assert!(
                dockerfile.contains(&format!(" AS {target}\n")),
                "{name}: no target {target}"
            );
        }
        for volume in texts(service.get("volumes")) {
            let volume = volume.split(':').next().unwrap_or_default().to_owned();
            assert!(
                compose["volumes"].get(&volume).is_some(),
                "{name}: no volume {volume}"
            );
        }
    }
    // What a service is given is defined, and what a variable of ours names in the container is given.
    for (name, service) in services(&compose)? {
        let secrets = texts(service.get("secrets"));
        for secret in &secrets {
            assert!(
                compose["secrets"].get(secret).is_some(),
                "{name}: no secret {secret}"
            );
        }
        let environment = service.get("environment").context("an environment")?;
        let keys = environment.get("WORLDLINE_KEYS").and_then(Value::as_str);
        assert_eq!(
            keys.map(|path| path.trim_start_matches("/run/secrets/").to_owned()),
            secrets.first().cloned(),
            "{name}"
        );
    }
    // What a stage copies from the work tree must be there.
    let copies = dockerfile
        .lines()
        .filter_map(|line| line.strip_prefix("COPY "))
        .filter(|rest| !rest.starts_with("--from"));
    for sources in copies {
        let words: Vec<&str> = sources.split_whitespace().collect();
        for source in words
            .split_last()
            .map(|(_, sources)| sources)
            .unwrap_or_default()
        {
            assert!(
                root().join(source).exists(),
                "the Dockerfile copies {source}"
            );
        }
    }
    Ok(())
}

#[test]
fn make_env_names_every_variable_that_has_no_default() -> Outcome {
    let needed: BTreeSet<String> = variables(&read("compose.yaml")?, "${")
        .into_iter()
        .filter(|name| name.contains("PASSWORD"))
        .collect();
    let made = variables(&read("nats/users.conf")?, "$")
        .into_iter()
        .chain(["WORLDLINE_POSTGRES_PASSWORD".to_owned()]);
    assert_eq!(needed, made.collect());
    assert!(read("deploy/make-env")?.contains("nats/users.conf"));
    Ok(())
}
