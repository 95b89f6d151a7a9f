//! The OpenAPI document and the page that shows it.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use reqwest::header::{HeaderMap, HeaderValue};
use serde_json::json;

use crate::readme::blocks;
use crate::support::contract::Contract;
use crate::support::kitchen::Kitchen;
use crate::support::process::{Process, run};
use crate::support::{Api, Engine, Reply, Stores, on};
use crate::walls::sources;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_committed_document_is_the_served_one_sqlite() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi.json");
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    let collected = larder::openapi::text(&larder::openapi::collect());
    assert!(committed == collected, "docs/openapi.json is old; write it as CONTRIBUTING.md says, by way of another file: the program is built with this one");
    on(Engine::Sqlite, &[], async |api: Api| {
        let served = api.get("/openapi.json").await.ok(200);
        assert!(
            served == serde_json::from_str::<serde_json::Value>(&committed).expect("JSON"),
            "another document is served than the one that every answer is held to"
        );
    })
    .await;
}

both_engines! {
    async fn an_operation_that_is_said_to_need_a_token_answers_401_without_one_before_anything_else(api: Api) {
        let operations = api.contract().operations().to_vec();
        let secured: Vec<_> = operations.iter().filter(|operation| operation.needs_token).collect();
        assert!(!secured.is_empty());
        for operation in secured {
            let path = operation.path.replace("{id}", &api.id().to_string());
            let path = if path.contains('{') { path.split('/').map(|part| if part.starts_with('{') { "x" } else { part }).collect::<Vec<_>>().join("/") } else { path };
            // Neither a wrong body nor a wrong type comes before the caller.
            let reply = api.call(&operation.method, &path).body("text/plain", "no").send().await;
            reply.refused(401, "token_invalid");
            let reply = api.call(&operation.method, &path).header("Authorization", "Bearer no.token.atall").send().await;
            assert_eq!(reply.header("www-authenticate"), "Bearer");
            reply.refused(401, "token_invalid");
        }
    }

    async fn a_parameter_that_is_not_known_is_refused_before_anything_is_done(api: Api) {
        let owner = api.owner().await;
        let operations = api.contract().operations().to_vec();
        for operation in operations.iter().filter(|operation| operation.path.starts_with("/v1/")) {
            let path = operation.path.split('/').map(|part| if part.starts_with('{') { api.id().to_string() } else { part.to_owned() }).collect::<Vec<_>>().join("/");
            // A right body or none: what is refused is the parameter.
            let call = owner.call(&operation.method, &format!("{path}?colour=red")).header("Idempotency-Key", "red").header("If-Match", "*");
            let reply = if operation.method == "GET" { call.send().await } else { call.json(&json!({})).send().await };
            let named = reply.violations().iter().any(|(pointer, code)| pointer == "?colour" && code == "unknown_field");
            let is_import = operation.path.contains("/imports/");
            assert!(named || is_import && reply.status == 415, "{} {}: {}", operation.method, operation.path, reply.text);
            if operation.needs_token {
                api.call(&operation.method, &format!("{path}?colour=red")).send().await.refused(401, "token_invalid");
            }
        }
    }

    async fn no_operation_without_a_token_gives_anything_away(api: Api) {
        let open: Vec<_> = api.contract().operations().iter().filter(|operation| !operation.needs_token).map(|operation| operation.path.as_str()).collect();
        let mut expected = larder::openapi::WITHOUT_CALLER.to_vec();
        expected.sort_unstable();
        assert_eq!(open, expected, "who may be asked without a token is decided in one list");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_loads_nothing_from_outside() {
    on(Engine::Sqlite, &[], |api| async move {
        let moved = api.get("/docs").await;
        assert_eq!(moved.status, 200, "followed to the page");
        let page = api.get("/docs/").await;
        assert!(page.text.contains("swagger-ui"), "{}", page.text);
        let policy = page.header("content-security-policy").to_owned();
        assert!(policy.starts_with("default-src 'self';") && !policy.contains("http"), "{policy}");
        let mut named = vec!["swagger-initializer.js".to_owned()];
        for attribute in ["src=\"", "href=\""] {
            named.extend(page.text.split(attribute).skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned));
        }
        assert!(named.len() > 3, "{named:?}");
        for reference in &named {
            assert!(!reference.contains("//"), "{reference} is elsewhere");
            assert_eq!(api.get(&format!("/docs/{}", reference.trim_start_matches("./"))).await.status, 200, "{reference}");
        }
        let initializer = api.get("/docs/swagger-initializer.js").await.text;
        assert!(initializer.contains("/openapi.json") && !initializer.contains("http://") && !initializer.contains("https://"), "{initializer}");
        // Swagger UI would else send the document to a validator on the internet.
        assert!(initializer.contains("\"validatorUrl\": \"none\""), "{initializer}");
    })
    .await;
}

/// The runbook's section on opening stock, word for word.
async fn the_opening_stock(engine: Engine) {
    let Some(stores) = Stores::make(engine).await else { return };
    let stores = Arc::new(stores);
    let variables = stores.variables();
    let process = Process::serve(stores.folder().path(), &[], variables.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let api = Api::of_process(stores.clone(), &process).await;
    let kitchen = Kitchen::open(&api).await;
    let script = blocks(include_str!("../../../docs/runbook.md"), "\n## 8. Opening stock from a file\n");
    let mut bash = Command::new("bash");
    bash.args(["-euo", "pipefail", "-c", &script]).env("URL", &process.address).env("TOKEN", &kitchen.owner.token).current_dir(stores.folder());
    let run = bash.output().expect("bash, with curl");
    let (out, err) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success(), "{out}\n{err}");
    let reports: Vec<serde_json::Value> = out.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let [rehearsal, posted] = reports.as_slice() else { panic!("{out}") };
    assert_eq!((&rehearsal["dry_run"], &rehearsal["posted"], &rehearsal["documents"]), (&json!(true), &json!(2), &json!([])), "{out}");
    assert_eq!((&posted["posted"], &posted["items_created"], &posted["skipped"]), (&json!(2), &json!(2), &json!([])), "{out}");
    assert_eq!(kitchen.on_hand("MILK").await, ("47.25".to_owned(), "44.8875".to_owned()));
    drop(process);
    stores.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_runbooks_opening_stock_goes_in_word_for_word_on_sqlite() {
    the_opening_stock(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_runbooks_opening_stock_goes_in_word_for_word_on_postgres() {
    the_opening_stock(Engine::Postgres).await;
}

#[test]
fn the_document_names_the_program_and_how_to_be_known() {
    let document: serde_json::Value = serde_json::from_str(larder::openapi::COMMITTED).expect("JSON");
    assert_eq!((&document["info"]["title"], &document["info"]["version"]), (&json!("Larder"), &json!(env!("CARGO_PKG_VERSION"))));
    assert!(document["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")));
    assert_eq!(document["components"]["securitySchemes"]["bearer"]["scheme"], "bearer");
    let contract = Contract::of(&document);
    assert!(contract.operations().iter().any(|operation| operation.path == "/v1/auth/login" && operation.method == "POST"));
}

/// A document of one operation, and an answer to it.
fn answered(status: u16, code: &str) -> std::thread::Result<()> {
    let document = json!({ "paths": { "/things/{id}": { "get": { "responses": {
        "200": { "description": "It" },
        "409": { "description": "`thing_gone`, or `thing_busy` for a while" },
    } } } } });
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/problem+json"));
    headers.insert("x-request-id", HeaderValue::from_static("r"));
    let body = json!({ "status": status, "code": code, "request_id": "r" });
    let reply = Reply { status, text: body.to_string(), body, headers };
    std::panic::catch_unwind(|| Contract::of(&document).hold("GET", "/things/7?x=1", &reply))
}

#[test]
fn an_answer_that_is_not_documented_fails_its_test() {
    for (status, code, documented) in [
        (200, "", true),
        (201, "", false),
        (404, "not_found", false),
        (409, "thing_gone", true),
        (409, "thing_busy", true),
        (409, "thing", false),
        (409, "thing_gone_elsewhere", false),
    ] {
        assert_eq!(answered(status, code).is_ok(), documented, "{status} {code}");
    }
}

/// Collects what a schema says nothing about; a reference may be described beside it.
fn undescribed(name: &str, schema: &serde_json::Value, missing: &mut Vec<String>) {
    let parts = |schema: &serde_json::Value| {
        ["oneOf", "allOf", "anyOf"].iter().flat_map(|part| schema[*part].as_array().cloned().unwrap_or_default()).collect::<Vec<_>>()
    };
    for part in parts(schema) {
        undescribed(name, &part, missing);
    }
    for (field, value) in schema["properties"].as_object().into_iter().flatten() {
        let described = value["description"].is_string() || parts(value).iter().any(|part| part["description"].is_string());
        if !described {
            missing.push(format!("{name}.{field}"));
        }
    }
}

#[test]
fn every_field_and_every_parameter_is_described() {
    let document: serde_json::Value = serde_json::from_str(larder::openapi::COMMITTED).expect("JSON");
    let mut missing = Vec::new();
    for (name, schema) in document["components"]["schemas"].as_object().expect("schemas") {
        undescribed(name, schema, &mut missing);
    }
    for (path, item) in document["paths"].as_object().expect("paths") {
        for parameter in item.as_object().expect("an item").values().flat_map(|operation| operation["parameters"].as_array().cloned().unwrap_or_default()) {
            if !parameter["description"].is_string() {
                missing.push(format!("{path}?{}", parameter["name"]));
            }
        }
    }
    assert_eq!(missing, Vec::<String>::new());
}

/// What the documents run in containers: the service, and the words up to what stands for something else.
fn in_containers(text: &str) -> Vec<(String, Vec<String>)> {
    let commands = text.split("docker compose run --rm ").skip(1).map(|rest| rest.split(['\n', '`', '#', ';']).next().unwrap_or_default());
    let is_word = |word: &&str| word.chars().all(|character| character.is_ascii_lowercase() || character == '-');
    commands
        .map(|command| {
            // What it does may stand beside it.
            let mut words = command.split("  ").next().unwrap_or_default().split_whitespace();
            let service = words.next().unwrap_or_default().to_owned();
            (service, words.take_while(is_word).map(str::to_owned).collect())
        })
        .collect()
}

#[test]
fn what_is_run_in_containers_is_a_command_of_a_service_that_there_is() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let read = |file: &str| std::fs::read_to_string(root.join(file)).expect("a file");
    assert!(read("Dockerfile").contains("ENTRYPOINT [\"larder\"]"), "these commands begin behind it");
    let compose = read("compose.yaml");
    let mut found = 0;
    for file in ["README.md", "compose.yaml", "docs/auth.md", "docs/runbook.md"] {
        for (service, words) in in_containers(&read(file)) {
            let declared = compose.split_once(&format!("\n  {service}:\n    <<: *larder\n")).unwrap_or_else(|| panic!("{file}: no service {service}")).1;
            let declared = declared.split("\n\n").next().unwrap_or_default();
            assert!(["LARDER_SECRET_KEY:", "AUTH_DATABASE_URL:"].iter().all(|name| declared.contains(name)), "{service} lacks what these commands need");
            let arguments: Vec<&str> = words.iter().map(String::as_str).chain(["--help"]).collect();
            let ended = run(root.as_path(), &arguments, []);
            assert!(ended.code == 0 && words.iter().all(|word| ended.stdout.contains(word)), "{file}: {words:?}: {ended:?}");
            found += 1;
        }
    }
    assert!(found > 6, "{found}");
}

/// Whether a name is what a document writes, where `…` stands for what it leaves out.
fn is_meant(written: &str, name: &str) -> bool {
    let mut rest = name;
    for (index, part) in written.split('…').enumerate() {
        match rest.find(part) {
            Some(at) if index > 0 || at == 0 => rest = &rest[at + part.len()..],
            _ => return false,
        }
    }
    written.ends_with('…') || rest.is_empty()
}

/// What a document writes between backticks and between `::`, where that can be a test or a module.
fn named(text: &str) -> Vec<Vec<String>> {
    let quoted = text.split('`').skip(1).step_by(2);
    let is_name =
        |part: &str| !part.is_empty() && part.chars().all(|character| character.is_ascii_lowercase() || character.is_ascii_digit() || "_…".contains(character));
    let paths = quoted.map(|path| path.split("::").map(str::to_owned).collect::<Vec<_>>());
    paths.filter(|path| path.len() > 1 && path.iter().all(|part| is_name(part))).collect()
}

#[test]
fn every_test_that_a_document_names_is_there() {
    // Each function with the folders and the file that it stands in.
    let mut functions: Vec<(Vec<String>, String)> = Vec::new();
    for (file, code) in ["app", "migration", "modules"].into_iter().flat_map(sources) {
        let place: Vec<String> = file.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
        for after in code.split("fn ").skip(1) {
            let name = after.split(|character: char| !character.is_alphanumeric() && character != '_').next().unwrap_or_default();
            functions.push((place.clone(), name.to_owned()));
        }
    }
    let mut missing = Vec::new();
    for document in ["architecture.md", "auth.md", "ledger.md", "runbook.md", "security.md"] {
        let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(document)).expect("a document");
        for path in named(&text) {
            let (name, around) = path.split_last().expect("a name");
            let here = |place: &[String]| around.iter().all(|part| place.contains(part));
            let is_there = functions.iter().any(|(place, function)| here(place) && (is_meant(name, function) || place.contains(name)));
            if !is_there {
                missing.push(format!("{document}: {}", path.join("::")));
            }
        }
    }
    assert_eq!(missing, Vec::<String>::new());
}
