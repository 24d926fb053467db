//! The manifests in `deploy/kubernetes` against what the code needs of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_yaml_ng::Value;

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/kubernetes")
}

/// Every object of every file, by kind and name.
fn objects() -> BTreeMap<(String, String), Value> {
    let mut objects = BTreeMap::new();
    for entry in std::fs::read_dir(directory()).unwrap() {
        let path = entry.unwrap().path();
        if path.ends_with("kustomization.yaml") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        for document in serde_yaml_ng::Deserializer::from_str(&text) {
            let object = Value::deserialize(document).unwrap();
            let name = |value: &Value| value.as_str().unwrap().to_owned();
            let key = (name(&object["kind"]), name(&object["metadata"]["name"]));
            let twice = objects.insert(key, object);
            assert!(twice.is_none(), "{}: {twice:?} twice", path.display());
        }
    }
    objects
}

fn object(kind: &str, name: &str) -> Value {
    objects()[&(kind.to_owned(), name.to_owned())].clone()
}

fn pods() -> Vec<(String, Value)> {
    let all = objects().into_iter();
    let sets = all.filter(|((kind, _), _)| kind == "StatefulSet" || kind == "Deployment");
    sets.map(|((_, name), set)| (name, set["spec"]["template"].clone()))
        .collect()
}

fn text(value: &Value) -> &str {
    value
        .as_str()
        .unwrap_or_else(|| panic!("no text: {value:?}"))
}

/// The value, or where it comes from, of a container's variable.
fn variable(container: &Value, name: &str) -> Option<Value> {
    let all = container["env"].as_sequence()?.iter();
    all.clone()
        .find(|variable| variable["name"] == name)
        .cloned()
}

#[test]
fn the_workers_are_as_the_fleets_backend_expects_them() {
    let set = object("StatefulSet", "worldline-worker");
    let spec = &set["spec"];
    assert!(
        spec["replicas"].is_null(),
        "applying must not undo the director's word"
    );
    assert!(spec["ordinals"].is_null(), "numbers begin at 0");
    assert_eq!(spec["podManagementPolicy"], "Parallel");
    let pod = &spec["template"]["spec"];
    let container = &pod["containers"][0];
    let name = variable(container, "WORLDLINE_WORKER_NAME").unwrap();
    assert_eq!(name["valueFrom"]["fieldRef"]["fieldPath"], "metadata.name");
    let grace = variable(container, "WORLDLINE_WORKER_GRACE").unwrap();
    let grace: u64 = text(&grace["value"])
        .strip_suffix('s')
        .unwrap()
        .parse()
        .unwrap();
    let kill = pod["terminationGracePeriodSeconds"].as_u64().unwrap();
    assert!(
        kill >= grace + 15,
        "{kill} s, of which handing over takes {grace} s"
    );
    assert_eq!(grace, 30, "as the worker's own default");
    let budget = object("PodDisruptionBudget", "worldline-worker");
    assert_eq!(budget["spec"]["maxUnavailable"], 1);
}

#[test]
fn the_director_may_scale_the_workers_and_nothing_else() {
    let role = object("Role", "worldline-fleet-size");
    let rules = role["rules"].as_sequence().unwrap();
    let expected = "apiGroups: [apps]\nresources: [statefulsets/scale]\nresourceNames: [worldline-worker]\nverbs: [get, patch]";
    let expected: Value = serde_yaml_ng::from_str(expected).unwrap();
    assert_eq!(*rules, [expected]);
    let binding = object("RoleBinding", "worldline-fleet-size");
    assert_eq!(binding["roleRef"]["name"], "worldline-fleet-size");
    assert_eq!(binding["subjects"][0]["name"], "worldline-director");
    assert!(
        !objects()
            .keys()
            .any(|(kind, _)| kind.starts_with("Cluster"))
    );
    for (name, pod) in pods() {
        let account = &pod["spec"]["serviceAccountName"];
        if name == "worldline-director" {
            assert_eq!(*account, "worldline-director");
            let container = &pod["spec"]["containers"][0];
            for (variable_name, expected) in [
                ("WORLDLINE_FLEET_BACKEND", "kubernetes"),
                ("WORLDLINE_FLEET_NAME", "worldline-worker"),
            ] {
                let found = variable(container, variable_name).unwrap();
                assert_eq!(text(&found["value"]), expected);
            }
        } else {
            assert_eq!(pod["spec"]["automountServiceAccountToken"], false, "{name}");
        }
    }
}

#[test]
fn every_service_is_there_with_its_own_user_and_real_probes() {
    let mut there: Vec<String> = Vec::new();
    for (name, pod) in pods() {
        let spec = &pod["spec"];
        let container = &spec["containers"][0];
        let role = text(&container["args"][0]);
        there.push(role.to_owned());
        assert_eq!(name, format!("worldline-{role}"));
        assert_eq!(
            pod["metadata"]["labels"]["app"].as_str(),
            Some(name.as_str())
        );
        let user = variable(container, "WORLDLINE_BROKER_USER").unwrap();
        assert_eq!(text(&user["value"]), role);
        let password = variable(container, "WORLDLINE_BROKER_PASSWORD").unwrap();
        let key = format!("WORLDLINE_NATS_PASSWORD_{}", role.to_uppercase());
        assert_eq!(text(&password["valueFrom"]["secretKeyRef"]["key"]), key);
        // The paths are those of crates/runtime/src/ops_http.rs, the port that of settings.yaml.
        let ready = &container["readinessProbe"]["exec"]["command"];
        let url = "http://127.0.0.1:9100/health/ready";
        let command: Vec<_> = ready.as_sequence().unwrap().iter().map(text).collect();
        assert_eq!(command, ["worldline", "health", "--url", url], "{name}");
        assert_eq!(
            container["livenessProbe"]["httpGet"]["path"],
            "/health/live"
        );
        assert_eq!(container["ports"][0]["containerPort"], 9100);
        assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
        assert_eq!(spec["securityContext"]["runAsNonRoot"], true);
        assert!(
            spec["terminationGracePeriodSeconds"].as_u64() >= Some(30),
            "{name}"
        );
    }
    there.sort();
    assert_eq!(
        there,
        [
            "director",
            "edge",
            "identity",
            "lobby",
            "projector",
            "worker"
        ]
    );
    let settings = object("ConfigMap", "worldline");
    assert_eq!(settings["data"]["WORLDLINE_OPS_ADDRESS"], "0.0.0.0:9100");
}

#[test]
fn no_file_is_forgotten_and_no_secret_is_in_one() {
    let text = std::fs::read_to_string(directory().join("kustomization.yaml")).unwrap();
    let kustomization: Value = serde_yaml_ng::from_str(&text).unwrap();
    let mut listed: Vec<String> = kustomization["resources"]
        .as_sequence()
        .unwrap()
        .iter()
        .map(|file| file.as_str().unwrap().to_owned())
        .collect();
    listed.push("kustomization.yaml".into());
    listed.sort();
    let mut there: Vec<String> = std::fs::read_dir(directory())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    there.sort();
    assert_eq!(listed, there);
    assert!(!objects().keys().any(|(kind, _)| kind == "Secret"));
}
