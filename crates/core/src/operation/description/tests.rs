//! What a description may say, and how it is refused.

use super::*;
use crate::operation::{Body, Catalog, Class, Kind, Risky};

const HEAD: &str = r#"
format = 1
name = "test"
title = "Test"
about = "Something."
read = { path = "/api/org/getTest", at = "test" }
write = { path = "/api/org/updateTest", wrap = "testUpdate", body = "projected" }
owner = { beside = "org.uuid" }
absent = "empty"
"#;

fn with_head(rest: &str) -> Result<Operation, DescriptionError> {
    read("test.toml", &format!("{HEAD}{rest}"), Provenance::BuiltIn)
}

fn described(fields: &str) -> Operation {
    with_head(fields).unwrap_or_else(|error| panic!("{error}"))
}

/// The refusal of a head in which a text is another.
fn refused(from: &str, to: &str) -> String {
    assert!(HEAD.contains(from), "{from}");
    let text = format!("{}[fields]\nenabled = \"bool\"\n", HEAD.replace(from, to));
    read("test.toml", &text, Provenance::BuiltIn).unwrap_err().to_string()
}

#[test]
fn a_whole_description() {
    let operation = described(
        r#"
        watch = ["state.live"]
        confesses = ["warningMsg"]
        reversible = false
        irreversible = "what was deleted can't be brought back"
        [fields]
        days = { type = "int32", words = "Days.", guard = { when = ["lowered", "<null>"], code = "deletes", words = "footage is deleted" } }
        state = { object = "state", class = "server" }
        counts = { type = "map of int64" }
        cameras = { type = "map of list of ruuid", as = "set", ids = "camera" }
        keys = { type = "list of text", class = "secret" }
        rules = { list = "rule" }
        sites = { map = "site", table = "sites" }
        byToken = { map = "site", keys = "secret", class = "keep" }
        deleted = { type = "bool", class = "omit" }
        [maps.site]
        note = "text"
        ranges = { type = "list of address_range", as = "set" }
        [objects.state]
        live = { type = "bool", class = "server" }
        [objects.rule]
        share = "number"
        "#,
    );
    assert_eq!(
        (operation.body, operation.owner.clone()),
        (Body::Projected, Owner::Beside("org.uuid".into()))
    );
    let field = |name: &str| operation.fields.get(name).unwrap();
    assert_eq!(field("days").risks[0].values, [Risky::Lowered, Risky::Null]);
    assert_eq!(&*field("days").risks[0].guard.as_ref().unwrap().code, "deletes");
    assert!(matches!(&field("cameras").entry().unwrap().kind, Kind::List { as_set: true, .. }));
    assert!(field("byToken").has_secret_keys && field("keys").is_secret());
    assert_eq!(field("deleted").class, Class::Omit);
    assert_eq!((&*operation.tables[0].name, &*operation.tables[0].key_column), ("sites", "sites_key"));
    assert_eq!(operation.examples.entry.as_deref(), Some("cameras.<key>"));
    assert!(operation.path("sites.a.ranges").is_ok());
}

#[test]
fn the_digest_is_of_the_meaning() {
    let digest = |fields: &str| described(fields).digest;
    let one = digest("[fields]\nenabled = \"bool\"\nlast = \"text\"");
    assert_eq!(one.len(), 64);
    assert_eq!(
        one,
        digest(
            "[fields]\nlast = \"text\"\nenabled = { type = \"bool\", words = \"On.\", example = \"true\" }"
        )
    );
    for other in [
        "[fields]\nenabled = \"bool\"",
        "[fields]\nenabled = \"bool\"\nlast = \"int32\"",
        "[fields]\nenabled = \"bool\"\nlast = { type = \"text\", class = \"keep\" }",
        "[fields]\nenabled = \"bool\"\nlast = { type = \"text\", readback = false }",
        "[fields]\nenabled = { type = \"bool\", risk = { when = true, words = \"x\" } }\nlast = \"text\"",
    ] {
        assert_ne!(one, digest(other), "{other}");
    }
}

#[test]
fn a_head_that_is_wrong_is_refused_on_its_line() {
    for (from, to, said) in [
        ("format = 1", "format = 2", "test.toml:2: E-OP-001: expected format 1, found 2"),
        (
            "title =",
            "ttle =",
            "test.toml:4: E-OP-001: expected a description in TOML, found unknown field `ttle`",
        ),
        ("title = \"Test\"", "", "missing field `title`"),
        ("\"test\"\ntitle", "\"Test it\"\ntitle", "test.toml:3: E-OP-002: expected a name of small letters"),
        ("at = \"test\"", "at = 5", "test.toml:6: E-OP-001"),
        (
            "getTest",
            "updateTest",
            "test.toml:6: E-OP-004: expected a path below /api/ whose last part begins with `get`",
        ),
        ("getTest", "getter", "E-OP-004"),
        (
            "updateTest",
            "deleteTest",
            "test.toml:7: E-OP-004: expected a path below /api/ whose last part begins with `update`",
        ),
        ("/api/org/updateTest", "/api/org/../updateTest", "E-OP-004"),
        ("/api/org/updateTest", "https://x/api/updateTest", "E-OP-004"),
        ("/api/org/updateTest", "/api/org/updateTest?x=1", "E-OP-004"),
        ("projected", "partial", "test.toml:7: E-OP-001"),
        ("{ beside = \"org.uuid\" }", "\"some\"", "test.toml:8: E-OP-001: expected { at = "),
        (
            "{ beside = \"org.uuid\" }",
            "{ at = \"orgUuid\" }",
            "test.toml:8: E-OP-002: expected a field of class identity",
        ),
        ("\"empty\"", "\"gone\"", "test.toml:9: E-OP-001"),
        (
            "absent",
            "include = [\"nothing\"]\nabsent",
            "test.toml:9: E-OP-002: expected one of the shared field sets",
        ),
        (
            "absent",
            "watch = [\"enabled\"]\nabsent",
            "test.toml:9: E-OP-002: expected a field of class server",
        ),
        (
            "absent",
            "confesses = [\"luck\"]\nabsent",
            "test.toml:9: E-OP-002: expected a member of an update's reply",
        ),
        ("absent", "reversible = false\nabsent", "test.toml:9: E-OP-003: expected `irreversible`"),
        ("absent", "irreversible = \"x\"\nabsent", "test.toml:9: E-OP-003"),
        ("absent", "kind = { at = \"enabled\", is = \"X\" }\nabsent", "test.toml:9: E-OP-002"),
        (
            "absent",
            "examples = { field = \"nothing\" }\nabsent",
            "test.toml:9: E-OP-002: expected a path of this operation",
        ),
        (
            "absent",
            "one_place = { map = \"m\", name = \"n\", place = \"p\", words = \"w\", advice = \"a\" }\nabsent",
            "E-OP-002",
        ),
    ] {
        let found = refused(from, to);
        assert!(found.contains(said), "{to}: {found}");
    }
}

#[test]
fn a_field_that_is_wrong_is_refused_on_its_line() {
    for (fields, said) in [
        ("a = \"boolean\"", "test.toml:11: E-OP-003: expected one of the types"),
        (
            "a = { type = \"bool\", wods = \"x\" }",
            "test.toml:11: E-OP-001: expected a description in TOML, found unknown field `wods`",
        ),
        ("a = { type = \"bool\", class = \"mine\" }", "test.toml:11: E-OP-001"),
        ("a = 5", "test.toml:11: E-OP-001"),
        ("a = { }", "test.toml:11: E-OP-003: expected one of `type`, `map`"),
        ("a = { type = \"bool\", map = \"m\" }", "E-OP-003: expected one of `type`"),
        (
            "a = { map = \"m\" }\n[maps.mm]\nx = \"text\"",
            "test.toml:11: E-OP-002: expected a table [maps.m], found none; did you mean \"mm\"?",
        ),
        (
            "a = { object = \"o\" }\n[objects.o]\nx = { object = \"o\" }",
            "test.toml:13: E-OP-002: expected fields that end",
        ),
        ("a = { type = \"enum\" }", "E-OP-003: expected `values` with an enum"),
        ("a = { type = \"text\", values = [\"A\"] }", "E-OP-003: expected `values` with an enum"),
        ("a = { type = \"text\", as = \"set\" }", "E-OP-003: expected `as` with a list only"),
        ("a = { type = \"text\", table = \"as\" }", "E-OP-003: expected `table` with a map"),
        ("a = { type = \"map of text\", table = \"as\" }", "E-OP-003: expected `table` with a map"),
        ("a = { type = \"text\", key = \"as\" }", "E-OP-003: expected `key` beside `table`"),
        ("a = { type = \"text\", keys = \"secret\" }", "E-OP-003: expected `keys` with a map"),
        ("a = { type = \"map of text\", keys = \"secret\" }", "keyed by a secret: it can't be managed"),
        (
            "a = { type = \"int32\", class = \"secret\" }",
            "E-OP-003: expected a secret that is a text or an RUUID",
        ),
        ("a = \"opaque\"", "E-OP-003: expected a class that is never set"),
        (
            "a = { type = \"bool\", class = \"server\", risk = { when = true, words = \"x\" } }",
            "`risk` and `guard` with a setting",
        ),
        (
            "a = { type = \"bool\", risk = { when = 5, words = \"x\" } }",
            "test.toml:11: E-OP-003: expected a `when`",
        ),
        (
            "a = { type = \"bool\", risk = { when = \"lowered\", words = \"x\" } }",
            "E-OP-003: expected a `when`",
        ),
        (
            "a = { type = \"bool\", guard = { when = true, code = \"c\", words = \"x\" } }\nb = { type = \"bool\", guard = { when = true, code = \"c\", words = \"y\" } }",
            "test.toml:12: E-OP-002: expected c to say \"x\", as elsewhere, found \"y\"",
        ),
        (
            "a = { type = \"bool\", guard = { when = true, code = \"clears\", words = \"x\" } }",
            "E-OP-002: expected a code",
        ),
        (
            "a = { map = \"m\", table = \"t\" }\nb = { map = \"m\", table = \"t\" }\n[maps.m]\nx = \"text\"",
            "test.toml:12: E-OP-002: expected each table once, found t",
        ),
        ("a = \"text\"\na = \"text\"", "test.toml:12: E-OP-001"),
    ] {
        let found = with_head(&format!("[fields]\n{fields}\n")).unwrap_err().to_string();
        assert!(found.contains(said), "{fields}: {found}");
    }
}

#[test]
fn a_name_is_of_one_operation() {
    let text = format!("{HEAD}[fields]\nenabled = \"bool\"\n");
    let catalog = Catalog::built_in().with(&text, "a.toml").unwrap();
    assert_eq!(catalog.get("test").unwrap().provenance, Provenance::Derived("a.toml".into()));
    assert_eq!(catalog.nearest("tset"), Some("test"));
    for text in [text.clone(), text.replace("name = \"test\"", "name = \"envoy\"")] {
        let found = catalog.clone().with(&text, "b.toml").unwrap_err().to_string();
        assert!(found.contains("b.toml:1: E-OP-002: expected the name of no other operation"), "{found}");
    }
}
