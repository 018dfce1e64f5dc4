//! Operations that a user describes: derived from a spec, given with `--catalog`, and what is refused.

use crate::shell::Shell;

/// An OpenAPI file of a fictional integration.
pub(crate) const SPEC: &str = include_str!("foo.openapi.json");

const DERIVE: &str = "operations derive updateFooIntegration --openapi spec.json";

/// A folder with the spec, its reviewed description, and a manifest.
fn described() -> Shell {
    let shell = Shell::new();
    shell.write("spec.json", SPEC);
    shell.orgwave(&format!("{DERIVE} --read getFooIntegration -o foo.toml")).with_code(0);
    shell.write(
        "orgs.csv",
        "org_uuid,org_name,foo:level\nHp7YW6y2ztaa4ssOe7u6yw,Acme,77\np7LwiLtoP9jlVcU4OoXtJA,Bolt,77\n",
    );
    shell
}

/// The guard's code, as the plan's page says it.
fn code(text: &str) -> &str {
    let start = text.find("--ack derived-foo-").expect("the guard is shown");
    text[start..].lines().next().unwrap().trim_end()
}

#[test]
fn reads_are_listed_where_there_is_no_terminal_to_ask_on() {
    let shell = Shell::new();
    shell.write("spec.json", SPEC);
    // A session of its own has no terminal, even if the test has one.
    let ran = shell.line(&format!("exec setsid -w orgwave {DERIVE}")).with_code(64);
    assert!(
        ran.err.contains(
            "  1  /api/integrations/foo/getFooIntegration  fooSettings: 6 of 6 fields, the same type\n"
        ),
        "{}",
        ran.err
    );
    assert!(ran.err.contains("name one with --read PATH"), "{}", ran.err);
    let text = shell.orgwave(&format!("{DERIVE} --read getFooIntegration")).with_code(0).out;
    assert!(text.contains("\napiToken = { type = \"text\", class = \"secret\" }\n"), "{text}");
}

#[test]
fn what_cannot_be_derived_is_refused() {
    let shell = described();
    shell.write("swagger.json", r#"{"swagger": "2.0", "paths": {}}"#);
    shell.write("spec.yaml", "openapi: 3.0.1\n");
    for (words, exit, said) in [
        ("updateFoIntegration --openapi spec.json", 64, "did you mean `updateFooIntegration`?"),
        ("getFooIntegration --openapi spec.json", 64, "is not an update"),
        (
            "updateFooIntegration --openapi swagger.json",
            65,
            "swagger: expected OpenAPI 3 in JSON, found Swagger",
        ),
        ("updateFooIntegration --openapi spec.yaml", 65, "found YAML"),
        ("updateFooIntegration --openapi nothing.json", 66, "nothing.json can't be opened"),
        (
            "updateFooIntegration --openapi spec.json --read updateFooIntegration",
            65,
            "begins with `get` or `find`",
        ),
        (
            "updateFooIntegration --openapi spec.json --read getFooIntegration -o foo.toml",
            64,
            "nothing was overwritten",
        ),
    ] {
        let ran = shell.orgwave(&format!("operations derive {words}")).with_code(exit);
        assert!(ran.err.contains(said), "{words}: {}", ran.err);
    }
}

#[test]
fn a_described_operation_is_planned_applied_and_verified() {
    let shell = described();
    let catalog = "--catalog foo.toml";
    assert!(shell.orgwave(&format!("operations {catalog}")).with_code(0).out.contains("\nfoo  "));
    let ran = shell.orgwave("check orgs.csv").with_code(65);
    assert!(ran.err.contains("E-COL-008"), "{}", ran.err);
    // `rest` alone: still the first org goes first.
    let plan = format!("plan orgs.csv --sandbox {catalog} --waves rest -o plan.jsonl");
    let printed = shell.orgwave(&plan).with_code(0).out;
    assert!(printed.contains("foo is described by a file of yours"), "{printed}");
    assert!(shell.read("plan.html").contains("described by a file of yours"));
    let ack = code(&printed);

    let apply = format!("apply plan.jsonl --sandbox --yes {catalog}");
    let refused = shell.orgwave(&apply).with_code(13);
    assert!(refused.err.contains("apply plan.jsonl --catalog foo.toml --sandbox"), "{}", refused.err);
    let events = shell.orgwave(&format!("{apply} {ack} --json")).with_code(0).out;
    assert!(events.contains("\"canary\":true"), "{events}");

    let run = run(&shell);
    let unknown = shell.orgwave(&format!("report {run}")).with_code(12);
    assert!(unknown.err.contains("--catalog FILE"), "{}", unknown.err);
    shell.orgwave(&format!("report {run} {catalog}")).with_code(0);
    let listed = shell.orgwave(&format!("runs {catalog}")).with_code(0).out;
    assert!(listed.contains("2 applied"), "{listed}");
}

/// Against an API, in the commands that read a run or write none.
#[test]
fn every_command_takes_the_description() {
    let shell = described().with("RHOMBUS_API_KEY", "sandbox").with("ORGWAVE_CATALOG", "foo.toml");
    let api = shell.sandbox("orgs.csv");
    let endpoint = format!("--endpoint {}", api.url);
    let apply = shell.orgwave(&format!("apply orgs.csv --yes --allow derived-foo {endpoint}")).with_code(0);
    assert!(apply.out.contains("2  applied"), "{}", apply.out);
    let run = run(&shell);
    shell.orgwave(&format!("verify {run} {endpoint}")).with_code(0);
    shell.orgwave(&format!("verify orgs.csv {endpoint}")).with_code(0);
    shell.orgwave(&format!("resume {run} {endpoint}")).with_code(0);
    let undo = shell.orgwave(&format!("undo {run} {endpoint} -o undo.jsonl")).with_code(0).out;
    let next = format!("apply undo.jsonl --yes {endpoint} {}", code(&undo));
    shell.orgwave(&next).with_code(0);
    shell.orgwave(&format!("verify orgs.csv {endpoint}")).with_code(2);
    let printed = shell.orgwave("explain foo:level").with_code(0).out;
    assert!(printed.contains("# `foo:level`"), "{printed}");
    // A command that is suggested names the file too.
    let printed = shell.orgwave(&format!("plan orgs.csv {endpoint} -o again.jsonl")).with_code(0).out;
    assert!(
        printed.contains(&format!("orgwave apply again.jsonl {endpoint} --catalog foo.toml")),
        "{printed}"
    );
}

/// The only run.
fn run(shell: &Shell) -> String {
    let names = std::fs::read_dir(shell.path("reports")).unwrap();
    let mut names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.find(|name| shell.path("reports").join(name).join("run.db").exists()).unwrap()
}

#[test]
fn a_plan_belongs_to_its_description() {
    let shell = described();
    let printed = shell.orgwave("plan orgs.csv --sandbox --catalog foo.toml -o plan.jsonl").with_code(0).out;
    let apply = format!("apply plan.jsonl --sandbox --yes {}", code(&printed));
    let unknown = shell.orgwave(&apply).with_code(12);
    assert!(unknown.err.contains("\"foo\" is not a known operation"), "{}", unknown.err);
    assert!(unknown.err.contains("hint: give the file that describes the operation with --catalog FILE"));
    let text = shell.read("foo.toml");
    shell.write("changed.toml", &text.replace("level = \"int32\"", "level = \"int64\""));
    let changed = shell.orgwave(&format!("{apply} --catalog changed.toml")).with_code(12);
    assert!(changed.err.contains("the description of \"foo\" has changed"), "{}", changed.err);
    // Other words mean the same.
    shell.write("words.toml", &text.replace("title = \"Foo\"", "title = \"The Foo\""));
    shell.orgwave(&format!("{apply} --catalog words.toml")).with_code(0);
}

#[test]
fn a_description_cannot_do_what_is_refused_to_it() {
    let shell = described();
    let text = shell.read("foo.toml");
    shell.write("writes.toml", &text.replace("foo/getFooIntegration", "foo/updateFooIntegration"));
    shell.write("deletes.toml", &text.replace("foo/updateFooIntegration", "foo/deleteFooIntegration"));
    shell.write("envoy.toml", &text.replace("name = \"foo\"", "name = \"envoy\""));
    shell.write("rollout.toml", "[rollout]\norgs = \"orgs.csv\"\ncatalog = \"foo.toml\"\n");
    for (words, exit, said) in [
        ("plan orgs.csv --sandbox --catalog writes.toml", 65, "E-OP-004"),
        ("plan orgs.csv --sandbox --catalog deletes.toml", 65, "E-OP-004"),
        ("plan orgs.csv --sandbox --catalog envoy.toml", 65, "E-OP-002"),
        ("plan orgs.csv --sandbox --catalog foo.toml --catalog foo.toml", 65, "E-OP-002"),
        ("plan orgs.csv --sandbox --catalog nothing.toml", 66, "nothing.toml can't be opened"),
        ("plan orgs.csv --sandbox --catalog foo.toml --no-read", 65, "--no-read"),
        ("plan rollout.toml --sandbox", 65, "E-ROLL-002"),
    ] {
        let ran = shell.orgwave(words).with_code(exit);
        assert!(ran.err.contains(said), "{words}: {}", ran.err);
    }
    assert!(!shell.path("reports").exists());
    let shell = shell.with("ORGWAVE_CATALOG", "foo.toml");
    shell.orgwave("check orgs.csv").with_code(0);
}
