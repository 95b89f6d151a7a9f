//! The OpenAPI document: collected from the routes, completed with what holds for all of them.

use std::collections::BTreeMap;

use actix_web::middleware::from_fn;
use actix_web::{App, HttpResponse, get, web};
use kernel::problem::ProblemDocument;
use kernel::{Routes, Violation};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::{OpenApi, PartialSchema};
use utoipa_actix_web::{AppExt, scope};

/// The document as it is committed. The program has it in it: to collect it from the routes at each start took time and memory that a server
/// needs for nothing else. A test, and the gates, hold it to what is collected.
pub const COMMITTED: &str = include_str!("../../docs/openapi.json");

const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];
/// Operations that nobody has to be logged in for. A test asks every other one without a token.
pub const WITHOUT_CALLER: [&str; 15] = [
    "/health/live",
    "/health/ready",
    "/openapi.json",
    "/v1/auth/setup",
    "/v1/auth/login",
    "/v1/auth/refresh",
    "/v1/auth/logout",
    "/v1/auth/invites/accept",
    "/v1/auth/jwks.json",
    "/v1/auth/login/mfa",
    "/v1/auth/password/forgot",
    "/v1/auth/password/reset",
    "/v1/auth/email/verify",
    "/v1/auth/register",
    "/v1/auth/register/confirm",
];

/// Operations that are open to members who have yet to enrol the second factor that their tenant requires, by their ids: what lets them, and
/// what ends a session. A test asks every other one as such a member.
pub const WITHOUT_SECOND_FACTOR: [&str; 8] =
    ["get_me", "reauth", "begin_totp", "confirm_totp", "list_sessions", "end_session", "end_other_sessions", "switch_tenant"];

#[derive(OpenApi)]
#[openapi(
    info(title = "Larder", description = "Stock of kitchens and stores: what is on hand, what it is worth, and every movement behind it."),
    tags(
        (name = "auth", description = "Setting up, logging in and out, who is calling"),
        (name = "catalogue", description = "Units, items, locations and reasons: what stock is counted in, what it is, where it lies"),
        (name = "receiving", description = "Goods that come in"),
        (name = "waste", description = "Goods that are thrown away, and why"),
        (name = "counts", description = "What is really there: counting it, and setting the ledger right by it"),
        (name = "usage", description = "Goods that are used, what is set aside for somebody, and what was missing"),
        (name = "adjustments", description = "Stock that is set right, and why"),
        (name = "stock", description = "What is on hand, per item, location and lot"),
        (name = "ledger", description = "Every movement, as a list and as a change feed"),
        (name = "documents", description = "What was posted, of every kind"),
        (name = "periods", description = "Days that are closed, and who closed them"),
        (name = "reports", description = "Pure functions of the ledger"),
        (name = "imports", description = "Files that people already have"),
        (name = "operations", description = "For those who run the server"),
    )
)]
struct Base;

/// The document, collected from the routes and completed.
pub fn collect() -> Value {
    let app = App::new().into_utoipa_app().openapi(Base::openapi()).configure(|config| operations(config));
    let app =
        app.service(scope("/v1/auth").configure(|config| auth::routes(config))).service(scope("/v1/inventory").configure(|config| inventory::routes(config)));
    let (_, collected) = app.split_for_parts();
    let mut document = serde_json::to_value(collected).unwrap_or_default();
    complete(&mut document);
    document
}

/// A document as it is kept in docs/openapi.json.
pub fn text(document: &Value) -> String {
    serde_json::to_string_pretty(document).unwrap_or_default() + "\n"
}

/// Every route of the program that is an operation of the API.
pub fn routes(config: &mut web::ServiceConfig) {
    operations(config);
    config.service(web::scope("/v1/auth").wrap(from_fn(crate::http::known_query)).wrap(from_fn(auth::following)).configure(auth::routes));
    let inventory = web::scope("/v1/inventory").wrap(from_fn(crate::http::known_query)).wrap(from_fn(kernel::http::authenticated));
    config.service(inventory.configure(inventory::routes));
}

/// Those of the program itself.
fn operations(routes: &mut impl Routes) {
    routes.service(crate::health::live).service(crate::health::ready).service(serve);
}

/// This document.
#[utoipa::path(operation_id = "openapi", tag = "operations", responses((status = 200, description = "The OpenAPI document", content_type = "application/json")))]
#[get("/openapi.json")]
async fn serve() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(COMMITTED)
}

/// Which paths there are, with which methods, and which of them take something in their query: what is asked of the document for each request.
#[derive(Clone, Debug, Default)]
pub struct Outline {
    templates: Vec<(Vec<String>, Vec<String>)>,
    /// The operations that have parameters in their query: method and path.
    with_query: Vec<(String, Vec<String>)>,
}

/// What an outline needs of a document.
#[derive(Deserialize)]
struct Outlined {
    paths: BTreeMap<String, BTreeMap<String, Operation>>,
}

#[derive(Deserialize)]
struct Operation {
    #[serde(default)]
    parameters: Vec<Parameter>,
}

#[derive(Deserialize)]
struct Parameter {
    r#in: String,
}

impl Outline {
    /// Of the committed document. An error where the program was built with something else.
    pub fn committed() -> Result<Self, serde_json::Error> {
        Self::of(COMMITTED)
    }

    fn of(document: &str) -> Result<Self, serde_json::Error> {
        let mut outline = Self::default();
        let Outlined { paths } = serde_json::from_str(document)?;
        for (path, operations) in paths {
            let methods = || operations.iter().filter(|(method, _)| METHODS.contains(&method.as_str()));
            for (method, _) in methods().filter(|(_, operation)| operation.parameters.iter().any(|parameter| parameter.r#in == "query")) {
                outline.with_query.push((method.to_ascii_uppercase(), segments(&path)));
            }
            outline.templates.push((segments(&path), methods().map(|(method, _)| method.to_ascii_uppercase()).collect()));
        }
        Ok(outline)
    }

    /// Whether an operation has parameters in its query. It reads them itself then, and refuses those that it does not know.
    pub fn takes_query(&self, method: &str, path: &str) -> bool {
        let asked = segments(path);
        self.with_query.iter().any(|(taken, template)| taken == method && fits(template, &asked))
    }

    /// The methods that a path takes.
    pub fn methods(&self, path: &str) -> Vec<String> {
        let asked = segments(path);
        let mut methods: Vec<String> = self.templates.iter().filter(|(template, _)| fits(template, &asked)).flat_map(|(_, methods)| methods.clone()).collect();
        methods.sort_unstable();
        methods.dedup();
        methods
    }
}

fn segments(path: &str) -> Vec<String> {
    path.split('/').map(str::to_owned).collect()
}

fn fits(template: &[String], asked: &[String]) -> bool {
    let fits = |(template, asked): (&String, &String)| if template.starts_with('{') { !asked.is_empty() } else { template == asked };
    template.len() == asked.len() && template.iter().zip(asked).all(fits)
}

fn complete(document: &mut Value) {
    if let Some(schemas) = object(document, "components").and_then(|components| entry(components, "schemas")) {
        schemas.insert("Problem".into(), serde_json::to_value(ProblemDocument::<'static>::schema()).unwrap_or_default());
        schemas.insert("Violation".into(), serde_json::to_value(Violation::schema()).unwrap_or_default());
    }
    if let Some(schemes) = object(document, "components").and_then(|components| entry(components, "securitySchemes")) {
        let bearer = json!({ "type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "The access token that POST /v1/auth/login answers." });
        schemes.insert("bearer".into(), bearer);
    }
    let Some(paths) = object(document, "paths") else { return };
    for (path, item) in paths.iter_mut() {
        let Some(item) = item.as_object_mut() else { continue };
        for (_, operation) in item.iter_mut().filter(|(method, _)| METHODS.contains(&method.as_str())) {
            if let Some(operation) = operation.as_object_mut() {
                complete_operation(path, operation);
            }
        }
    }
}

fn object<'a>(value: &'a mut Value, name: &str) -> Option<&'a mut Map<String, Value>> {
    value.as_object_mut().and_then(|object| entry(object, name))
}

fn entry<'a>(object: &'a mut Map<String, Value>, name: &str) -> Option<&'a mut Map<String, Value>> {
    object.entry(name).or_insert_with(|| json!({})).as_object_mut()
}

/// Adds the codes that an operation can answer because of what surrounds it. What its module wrote stays.
fn complete_operation(path: &str, operation: &mut Map<String, Value>) {
    let parameters: Vec<Value> = operation.get("parameters").and_then(Value::as_array).cloned().unwrap_or_default();
    let text = |parameter: &Value, field: &str| parameter.get(field).and_then(Value::as_str).unwrap_or("").to_ascii_lowercase();
    let has = |place: &str| parameters.iter().any(|parameter| text(parameter, "in") == place);
    let header = |name: &str| parameters.iter().find(|parameter| text(parameter, "in") == "header" && text(parameter, "name") == name);
    let mut codes: Vec<(&str, &str)> = vec![("431", "headers_too_large"), ("500", "internal_error"), ("503", "timed_out")];
    if path.starts_with("/v1/") {
        codes.extend([("503", "database_unavailable"), ("503", "secret_key_changed")]);
    }
    if !WITHOUT_CALLER.contains(&path) {
        codes.extend([("401", "token_invalid"), ("401", "token_expired"), ("401", "session_revoked")]);
        if path.starts_with("/v1/auth/") {
            // To an API key.
            codes.push(("403", "forbidden"));
        }
        let id = operation.get("operationId").and_then(Value::as_str).unwrap_or("");
        if !WITHOUT_SECOND_FACTOR.contains(&id) {
            codes.push(("403", "mfa_enrollment_required"));
        }
    }
    if let Some(body) = operation.get("requestBody") {
        let content = body.get("content").and_then(Value::as_object);
        if content.is_none_or(|content| content.keys().any(|kind| kind.contains("json"))) {
            codes.push(("400", "malformed_json"));
        }
        codes.extend([("400", "malformed_body"), ("413", "body_too_large"), ("415", "unsupported_media_type"), ("422", "invalid_request")]);
    }
    if path.starts_with("/v1/") {
        // For a parameter in the query that is not known.
        codes.push(("422", "invalid_request"));
    }
    if has("query") {
        codes.extend([("400", "malformed_query"), ("422", "invalid_request")]);
    }
    if has("path") {
        codes.push(("404", "not_found"));
    }
    if let Some(key) = header("idempotency-key") {
        codes.push(("400", "idempotency_key_invalid"));
        if key.get("required") == Some(&Value::Bool(true)) {
            codes.push(("400", "idempotency_key_required"));
        }
    }
    if header("if-match").is_some() {
        codes.extend([("412", "version_mismatch"), ("428", "if_match_required")]);
    }
    if !WITHOUT_CALLER.contains(&path) {
        operation.insert("security".into(), json!([{ "bearer": [] }]));
    }
    let Some(responses) = entry(operation, "responses") else { return };
    for (status, code) in codes {
        document_code(responses, status, code);
    }
    for (status, response) in responses.iter_mut() {
        if status.as_str() >= "400"
            && let Some(response) = response.as_object_mut()
        {
            response.insert("content".into(), json!({ "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } }));
        }
    }
}

fn document_code(responses: &mut Map<String, Value>, status: &str, code: &str) {
    let Some(response) = entry(responses, status) else { return };
    let description = response.get("description").and_then(Value::as_str).unwrap_or("").trim().to_owned();
    if names_code(&description, code) {
        return;
    }
    let separator = if description.is_empty() { "" } else { ", " };
    response.insert("description".into(), format!("{description}{separator}`{code}`").into());
}

/// Whether a description of a response names a problem code.
pub fn names_code(description: &str, code: &str) -> bool {
    description.split(|character: char| !character.is_ascii_alphanumeric() && character != '_').any(|word| word == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_module_wrote_is_kept_and_added_to() {
        let mut responses = Map::new();
        responses.insert("503".into(), json!({ "description": "`auth_busy`: try again" }));
        document_code(&mut responses, "503", "timed_out");
        document_code(&mut responses, "503", "timed_out");
        assert_eq!(responses["503"]["description"], "`auth_busy`: try again, `timed_out`");
    }

    #[test]
    fn the_outline_has_every_path_with_its_methods_and_says_which_of_them_take_a_query() {
        let (outline, collected) = (Outline::committed().expect("a document"), collect());
        let paths = collected["paths"].as_object().expect("paths");
        assert!(outline.templates.len() == paths.len() && paths.len() > 50, "of {} there are {}", paths.len(), outline.templates.len());
        for (path, item) in paths {
            let methods: Vec<_> = METHODS.iter().filter(|method| item.get(**method).is_some()).map(|method| method.to_ascii_uppercase()).collect();
            // A path of names may be one of an id, too.
            assert!(methods.iter().all(|method| outline.methods(path).contains(method)), "{path}");
            for method in methods {
                let parameters = item[method.to_ascii_lowercase()]["parameters"].as_array().cloned().unwrap_or_default();
                let template = (method, segments(path));
                assert_eq!(outline.with_query.contains(&template), parameters.iter().any(|parameter| parameter["in"] == "query"), "{template:?}");
            }
        }
        assert!(Outline::of("").is_err() && Outline::of("{}").is_err());
    }

    #[test]
    fn every_operation_has_an_id_of_its_own_a_summary_and_a_tag() {
        let document = collect();
        let (mut seen, mut lacking) = (std::collections::BTreeSet::new(), Vec::new());
        for (path, item) in document["paths"].as_object().expect("paths") {
            for (method, operation) in item.as_object().expect("an item").iter().filter(|(method, _)| METHODS.contains(&method.as_str())) {
                if !operation["operationId"].as_str().is_some_and(|id| seen.insert(id.to_owned())) {
                    lacking.push(format!("{method} {path}: an operationId of its own"));
                }
                if !operation["summary"].is_string() && !operation["description"].is_string() {
                    lacking.push(format!("{method} {path}: a summary"));
                }
                if operation["tags"].as_array().is_none_or(Vec::is_empty) {
                    lacking.push(format!("{method} {path}: a tag"));
                }
            }
        }
        assert!(lacking.is_empty(), "{lacking:#?}");
        assert!(seen.len() > 3);
    }

    #[test]
    fn what_a_wrong_if_match_is_answered_is_documented_and_nothing_else_of_it() {
        use actix_web::FromRequest as _;
        use futures::FutureExt as _;

        let request = actix_web::test::TestRequest::get().insert_header(("If-Match", "3")).to_http_request();
        let read = kernel::http::IfMatch::from_request(&request, &mut actix_web::dev::Payload::None);
        let problem = read.now_or_never().expect("at once").expect_err("refused");
        let document = collect();
        let mut found = 0;
        for (path, item) in document["paths"].as_object().expect("paths") {
            for operation in item.as_object().expect("an item").values() {
                let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
                if !parameters.iter().any(|parameter| parameter["name"].as_str().is_some_and(|name| name.eq_ignore_ascii_case("if-match"))) {
                    continue;
                }
                found += 1;
                let says = |status: &str, code: &str| operation["responses"][status]["description"].as_str().is_some_and(|text| names_code(text, code));
                assert!(says(&problem.status.to_string(), problem.code), "{path}");
                assert!(!operation["responses"].to_string().contains("if_match_invalid"), "{path}");
            }
        }
        assert!(found > 0);
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn references(value: &Value, found: &mut Vec<String>) {
            match value {
                Value::Object(fields) => fields.iter().for_each(|(name, value)| match value.as_str() {
                    Some(text) if name == "$ref" => found.push(text.to_owned()),
                    _ => references(value, found),
                }),
                Value::Array(values) => values.iter().for_each(|value| references(value, found)),
                _ => {}
            }
        }
        let document = collect();
        let mut found = Vec::new();
        references(&document, &mut found);
        let lost: Vec<_> = found.iter().filter(|reference| document.pointer(reference.trim_start_matches('#')).is_none()).collect();
        assert!(!found.is_empty() && lost.is_empty(), "{lost:?} lead nowhere");
    }
}
