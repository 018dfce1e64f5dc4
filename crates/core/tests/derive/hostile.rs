//! Files that aren't what they should be.

use std::time::Instant;

use orgwave_core::operation::derive::{Reads, Spec, UpdateError, describe};
use orgwave_core::operation::{Catalog, Class, Kind};
use serde_json::{Value, json};

fn refused(text: &str) -> String {
    Spec::parse(text.as_bytes()).unwrap_err().to_string()
}

#[test]
fn what_is_no_openapi_3_is_refused_with_its_place() {
    for (text, said) in [
        ("", "line 1, column 0: expected OpenAPI 3 in JSON, found EOF"),
        ("{\n \"openapi\": ", "line 2, column 12: expected OpenAPI 3 in JSON, found EOF"),
        ("openapi: 3.0.1\ninfo: {}", "found YAML"),
        ("# the spec\nopenapi: 3.0.1", "found YAML"),
        (r#"{"swagger": "2.0", "paths": {}}"#, "swagger: expected OpenAPI 3 in JSON, found Swagger \"2.0\""),
        (r#"{"openapi": "4.0"}"#, "openapi: expected OpenAPI 3 in JSON, found version \"4.0\""),
        ("[]", "openapi: expected OpenAPI 3 in JSON, found nothing"),
        (r#"{"openapi": "3.1.0"}"#, "paths: expected an object of paths, found no object"),
        (r#"{"openapi": "3.1.0", "paths": []}"#, "paths: expected an object of paths, found no object"),
        (&"[".repeat(1_000_000), "recursion limit exceeded"),
    ] {
        let found = refused(text);
        assert!(found.contains(said), "{found}");
    }
}

/// A spec of calls without a request: path, schema of the body, schema of the reply.
fn spec(calls: &[(&str, Value, Value)], schemas: &Value) -> Spec {
    let content = |schema: &Value| json!({ "content": { "application/json": { "schema": schema } } });
    let paths: serde_json::Map<String, Value> = calls
        .iter()
        .map(|(path, body, reply)| {
            let post = json!({ "requestBody": content(body), "responses": { "200": content(reply) } });
            ((*path).to_owned(), json!({ "post": post }))
        })
        .collect();
    let spec = json!({ "openapi": "3.1.0", "paths": paths, "components": { "schemas": schemas } });
    Spec::parse(spec.to_string().as_bytes()).unwrap()
}

fn object(properties: &Value) -> Value {
    json!({ "type": "object", "properties": properties })
}

fn of(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

#[test]
fn an_update_that_cannot_be_used_is_refused() {
    let nothing = object(&json!({}));
    let some = object(&json!({ "a": { "type": "string" } }));
    let spec = spec(
        &[
            ("/api/a/updateFoo", some.clone(), some.clone()),
            ("/api/b/updateFoo", some.clone(), some.clone()),
            ("/api/a/updateBar", nothing.clone(), some.clone()),
            ("/api/a/updateCircle", of("A"), some.clone()),
            ("/api/a/updateGone", json!({ "$ref": "other.json#/A" }), some.clone()),
            ("/api/a/getFoo", nothing, some),
        ],
        &json!({ "A": of("B"), "B": of("A") }),
    );
    for (name, said) in [
        ("updateFoo", "the spec has several: /api/a/updateFoo, /api/b/updateFoo"),
        ("updateFo", "the spec has no \"updateFo\"; did you mean `updateFoo`?"),
        ("/api/a/updateBaz", "the spec has no \"/api/a/updateBaz\"; did you mean `/api/a/updateBar`?"),
        ("getFoo", "\"/api/a/getFoo\" is not an update"),
        ("updateBar", "paths//api/a/updateBar/post/requestBody: expected an object with properties"),
        ("updateCircle", "expected a reference to a schema of this file, found \"#/components/schemas/"),
        ("updateGone", "expected a reference to a schema of this file, found \"other.json#/A\""),
    ] {
        let found = spec.update(name).unwrap_err().to_string();
        assert!(found.contains(said), "{name}: {found}");
    }
    assert!(matches!(spec.update("x"), Err(UpdateError::NotThere { near: None, .. })));
    spec.update("/api/b/updateFoo").unwrap();
}

/// What the spec calls a read, and is an update by its path, is no candidate.
#[test]
fn no_update_is_taken_for_a_read() {
    let some = object(&json!({ "fooSettings": of("Foo") }));
    let schemas = json!({ "Foo": object(&json!({ "enabled": { "type": "boolean" } })) });
    let calls = ["/api/a/updateFoo", "/api/a/updateFooV2", "/api/a/getterFoo", "/api/a/setFoo", "/a/getFoo"];
    let spec = spec(&calls.map(|path| (path, some.clone(), some.clone())), &schemas);
    let update = spec.update("updateFoo").unwrap();
    assert!(Reads::of(&spec, &update, None).all.is_empty());
    assert!(Reads::of(&spec, &update, Some("/api/a/updateFooV2")).all.is_empty());
}

/// A flat update may have the status of a reply in its request, and the id of what it changes.
#[test]
fn members_that_are_no_settings_are_recognised() {
    let members = object(&json!({
        "error": { "type": "boolean" },
        "errorMsg": { "type": "string" },
        "groupUuid": { "type": "string" },
        "name": { "type": "string" },
    }));
    let other = object(&json!({ "error": { "type": "boolean" }, "errorMsg": { "type": "string" } }));
    let calls =
        [("/api/a/updateGroup", members.clone()), ("/api/a/getGroup", members), ("/api/a/getOther", other)];
    let spec = spec(&calls.map(|(path, reply)| (path, reply.clone(), reply)), &json!({}));
    let update = spec.update("updateGroup").unwrap();
    let reads = Reads::of(&spec, &update, None);
    assert_eq!(reads.all.iter().map(|read| read.path).collect::<Vec<_>>(), ["/api/a/getGroup"]);
    let text = describe(&spec, &update, &reads, &reads.all[0], &Catalog::built_in());
    assert!(
        text.contains("# - The update may be of one thing in the org, not of the org: groupUuid.\n"),
        "{text}"
    );
    assert!(text.ends_with("[fields]\ngroupUuid = \"text\"\nname = \"text\"\n"), "{text}");
}

/// The description of `updateFoo`, whose wrapped type is `Foo`, once it was loaded.
fn described(schemas: &Value) -> (String, std::sync::Arc<orgwave_core::operation::Operation>) {
    let body = object(&json!({ "fooSettings": of("Foo") }));
    let empty = object(&json!({}));
    let spec =
        spec(&[("/api/a/updateFoo", body.clone(), empty.clone()), ("/api/a/getFoo", empty, body)], schemas);
    let update = spec.update("updateFoo").unwrap();
    let reads = Reads::of(&spec, &update, None);
    let text = describe(&spec, &update, &reads, &reads.all[0], &Catalog::built_in());
    let catalog = Catalog::built_in().with(&text, "x.toml").unwrap_or_else(|error| panic!("{error}\n{text}"));
    let operation = catalog.get("foo").unwrap().clone();
    (text, operation)
}

#[test]
fn what_no_description_says_goes_back_as_read() {
    let (text, operation) = described(&json!({ "Foo": object(&json!({
        "self": of("Foo"),
        "gone": of("Gone"),
        "any": {},
        "either": { "oneOf": [{ "type": "string" }, { "type": "integer" }] },
        "lists": { "type": "object", "additionalProperties": { "type": "array", "items": object(&json!({ "a": { "type": "string" } })) } },
        "numbers": { "enum": [1, 2], "type": "integer" },
        "null": { "type": ["null", "boolean"] },
        "nullable": { "anyOf": [of("Words"), { "type": "null" }] },
        "both": { "allOf": [of("Base"), object(&json!({ "own": { "type": "string" } }))] },
        "weird name\u{202e}": { "type": "string" },
        "webhookUrlToRules": { "type": "object", "additionalProperties": { "type": "string" } },
        "hooks": { "type": "array", "items": object(&json!({ "hookUrl": { "type": "string" } })) },
        "tags": { "type": "array", "uniqueItems": true, "items": { "type": "string" } },
        "anyToken": {},
        "pinCode": { "type": "integer" },
        "token": { "type": "string", "description": "A \"quoted\"\nword\u{0}." },
    })),
    "Words": { "enum": ["A", "B"], "type": "string" },
    "Base": { "allOf": [of("Base"), object(&json!({ "common": { "type": "number" } }))] } }));
    let field = |name: &str| operation.fields.get(name).unwrap_or_else(|| panic!("{name}\n{text}"));
    for name in ["self", "gone", "any", "either", "lists", "webhookUrlToRules", "hooks"] {
        assert_eq!(field(name).class, Class::Keep, "{name}\n{text}");
    }
    assert!(matches!(field("numbers").kind, Kind::Int64) && matches!(field("null").kind, Kind::Bool));
    assert!(matches!(&field("nullable").kind, Kind::Enum(words) if words.len() == 2));
    assert_eq!(field("both").members().unwrap().names().collect::<Vec<_>>(), ["common", "own"]);
    assert!(field("webhookUrlToRules").has_secret_keys && field("hooks").holds_secrets());
    assert!(field("anyToken").is_secret() && field("pinCode").class == Class::Keep, "{text}");
    assert!(field("token").is_secret() && field("tags").kind.is_set());
    assert!(text.contains("weird name<U+202E>") && !text.contains('\u{202e}'), "{text}");
    assert_eq!(&*field("token").words, "A \"quoted\" word<U+0000>.");
}

/// References that double a tree at each level, and a reply of a hundred thousand objects.
#[test]
fn a_large_spec_takes_no_long_time() {
    let mut schemas = serde_json::Map::new();
    let many = |next: &str| (0..40).map(|n| (format!("m{n}"), of(next))).collect::<serde_json::Map<_, _>>();
    for level in 0..30 {
        let members = if level < 29 { many(&format!("L{}", level + 1)) } else { many("Leaf") };
        schemas.insert(format!("L{level}"), json!({ "type": "object", "properties": members }));
    }
    schemas.insert("Leaf".to_owned(), object(&json!({ "a": { "type": "string" } })));
    let padding = "x".repeat(10 << 20);
    schemas.insert(
        "Foo".to_owned(),
        json!({ "type": "object", "description": padding, "properties": many("L0") }),
    );
    let started = Instant::now();
    let (text, operation) = described(&Value::Object(schemas));
    assert!(started.elapsed().as_secs() < 30, "{:?}", started.elapsed());
    assert!(text.len() < 4 << 20 && text.contains("cut: "), "{}", text.len());
    assert!(operation.fields.get("m0").is_some());
}
