//! Settings of several operations, their defaults, and groups.

use serde_json::json;

use super::*;

/// The operations that are compiled in, and two more that write the same object.
fn catalog() -> Catalog {
    let describe = |catalog: Catalog, name: &str, fields: &str| {
        let text = format!(
            "format = 1\nname = \"{name}\"\ntitle = \"{name}\"\nabout = \"For tests.\"\n\
             read = {{ path = \"/api/org/getOrgV2\", at = \"org\" }}\n\
             write = {{ path = \"/api/org/updateOrg\", body = \"projected\" }}\n\
             owner = {{ beside = \"org.uuid\" }}\nabsent = \"not connected\"\n{fields}"
        );
        catalog.with(&text, name).unwrap()
    };
    let field = |name: &str, kind: &str| format!("{name} = {{ type = \"{kind}\", words = \"A field.\" }}\n");
    let shared = format!("[fields]\n{}", field("mfaEnabled", "bool"));
    let one = [&shared, &*field("name", "text"), &*field("note", "text")].concat();
    let two = [
        &shared,
        &*field("minutes", "int64"),
        &*field("contacts", "list of text"),
        "limits = { object = \"limits\", words = \"Limits.\" }\n[objects.limits]\n",
        &*field("least", "number"),
        &*field("most", "int32"),
    ];
    describe(describe(Catalog::built_in(), "org-one", &one), "org-two", &two.concat())
}

/// What a rollout of these files is read from; the side tables by their paths.
fn rollout(toml: &str, orgs: &str, sides: &[(&str, &str)]) -> (Option<Manifest<Bytes>>, Vec<Problem>) {
    let mut found = Vec::new();
    let mut sink = |problem| found.push(problem);
    let mut problems = Problems::new(&mut sink);
    let catalog = catalog();
    let file = RolloutFile::parse(&catalog, "rollout.toml", toml.as_bytes(), &[], &mut problems);
    let text = |path: &str| sides.iter().find(|(name, _)| *name == path).expect("a file").1;
    let source = |path: &str, text: &str| Source::new(path, Cursor::new(fill(text)));
    let inputs = Inputs {
        catalog,
        operation: file.operation,
        orgs: source("orgs.csv", orgs),
        sides: file
            .sides
            .into_iter()
            .map(|side| SideSource {
                source: source(&side.path, text(&side.path)),
                operation: side.operation,
                table: side.table,
            })
            .collect(),
        defaults: file.defaults,
    };
    let manifest = Manifest::read(inputs, &mut problems).unwrap();
    let manifest = manifest.filter(|_| problems.errors() == 0);
    (manifest, found)
}

const FILES: &str = "[rollout]\norgs = \"orgs.csv\"\n";

/// The names of a rollout's operations and, for each row, each step's with its desired values and guards.
type Read = (Vec<String>, Vec<Vec<String>>);

fn steps(toml: &str, orgs: &str, sides: &[(&str, &str)]) -> Read {
    let (manifest, found) = rollout(toml, orgs, sides);
    assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), [""; 0]);
    let mut manifest = manifest.unwrap();
    let operations = manifest.header().operations.clone();
    let step = |step: &crate::desired::DesiredStep| {
        let name = &operations.get(step.operation).unwrap().name;
        let mut text = format!("{name}:");
        for managed in &step.desired.managed {
            let value = match &managed.desired {
                DesiredValue::Set(value) => value.to_string(),
                DesiredValue::Remove => "<remove>".to_owned(),
                DesiredValue::Secret(names) => names.to_string(),
            };
            text += &format!(" {}={value}/{}", managed.path, managed.origin);
        }
        for expect in &step.desired.expects {
            text += &format!(" {}?{}", expect.path, expect.value);
        }
        text
    };
    let rows = manifest.rows().unwrap().map(|row| row.unwrap().steps.iter().map(step).collect()).collect();
    (operations.iter().map(|(_, operation)| operation.name.to_string()).collect(), rows)
}

fn refused(toml: &str, orgs: &str) -> Vec<(Code, String)> {
    let (manifest, found) = rollout(toml, orgs, &[]);
    assert!(manifest.is_none(), "{orgs}");
    found.into_iter().map(|problem| (problem.code, problem.to_string())).collect()
}

#[test]
fn prefixes_name_the_operation_of_a_column() {
    let (operations, rows) = steps(
        FILES,
        "org_uuid,note,org-one:mfaEnabled,saveClips,expect.toast:enabled,toast:restaurantSettingsMap.k:1.locationName,envoy:enabled,org-one:note\n\
         {A},n,true,,,,,\n\
         {B},n,,true,true,North,<keep>,x\n\
         {C},n,<keep>,,,,,\n\
         DAAAAAAAAAAAAAAAAAAAAA,n,<keep>,,false,,,\n",
        &[],
    );
    assert_eq!(operations, ["org-one", "envoy", "toast"], "in the order of the header");
    assert_eq!(rows[0], ["org-one: mfaEnabled=true/row"]);
    assert_eq!(
        rows[1],
        [
            "org-one: note=\"x\"/row",
            "envoy: saveClips=true/row",
            "toast: restaurantSettingsMap.k:1.locationName=\"North\"/row enabled?true"
        ]
    );
    assert_eq!(rows[2], ["envoy:"], "a row that sets nothing has one step, of the default operation");
    assert_eq!(rows[3], ["toast: enabled?false"], "a guard alone is a step that sets nothing");
}

#[test]
fn an_idle_row_has_a_step_of_an_operation_that_the_rollout_has() {
    let (operations, rows) = steps(FILES, "org_uuid,toast:enabled,org-one:mfaEnabled\n{A},,\n", &[]);
    assert_eq!(operations, ["toast", "org-one"], "the default operation isn't named");
    assert_eq!(rows[0], ["toast:"]);
    let (operations, rows) = steps(FILES, "org_uuid,note\n{A},x\n", &[]);
    assert_eq!((operations, rows), (vec!["envoy".to_owned()], vec![vec!["envoy:".to_owned()]]));
}

#[test]
fn a_rollout_file_names_the_default_operation() {
    let toml = "[rollout]\norgs = \"o\"\noperation = \"org-one\"\n[settings]\nname = \"x\"\n";
    let (operations, rows) =
        steps(toml, "org_uuid,mfaEnabled,envoy:saveClips,expect.note\n{A},true,false,\n{B},,,\n", &[]);
    assert_eq!(operations, ["org-one", "envoy"]);
    assert_eq!(rows[0], ["org-one: mfaEnabled=true/row name=\"x\"/default", "envoy: saveClips=false/row"]);
    assert_eq!(rows[1], ["org-one: name=\"x\"/default"]);
    let (manifest, _) = rollout(toml, "org_uuid\n{A}\n", &[]);
    assert_eq!(&*manifest.unwrap().header().operation.name, "org-one");
}

#[test]
fn operations_of_the_file_follow_those_of_the_header() {
    let toml = "[rollout]\norgs = \"o\"\n[operation.toast]\nrestaurants = \"r\"\n[group.g.operation.org-two.settings]\n\
                minutes = 5\n[settings]\nsaveClips = true\n[operation.org-one.settings]\nname = \"x\"\n";
    let sides = [("r", "org_uuid,restaurant_key,locationName\n{A},1,North\n")];
    let (operations, rows) = steps(toml, "org_uuid,group\n{A},g\n{B},\n", &sides);
    assert_eq!(operations, ["toast", "org-two", "envoy", "org-one"]);
    assert_eq!(
        rows[0],
        [
            "toast: restaurantSettingsMap.1.locationName=\"North\"/restaurants:2",
            "org-two: minutes=5/group:g",
            "envoy: saveClips=true/default",
            "org-one: name=\"x\"/default"
        ]
    );
    let placed = format!("[operation.org-one]\n[operation.envoy]\n[operation.openai]\n{toml}");
    let (operations, _) = steps(&placed, "org_uuid\n{A}\n", &sides);
    assert_eq!(
        operations,
        ["org-one", "envoy", "toast", "org-two"],
        "a table without anything gives a place"
    );
    let (operations, _) = steps(toml, "org_uuid,org-one:name\n{A},\n", &sides);
    assert_eq!(operations, ["org-one", "toast", "org-two", "envoy"]);
}

#[test]
fn a_table_of_another_operation_is_named_by_its_prefix() {
    let toml = "[rollout]\norgs = \"o\"\ndoors = \"d\"\n[operation.toast]\nrestaurants = \"r\"\n";
    let (manifest, _) = rollout(
        toml,
        "org_uuid,doorInfoMap.2.doorName\n{A},x\n",
        &[
            ("d", "org_uuid,door_key,doorName\n{A},1,y\n"),
            ("r", "org_uuid,restaurant_key,locationName\n{A},2,z\n"),
        ],
    );
    let mut manifest = manifest.expect("entries of two operations never clash");
    let named = |name: &crate::operation::TableName| name.to_string();
    let header = manifest.header();
    assert_eq!(
        header.sides.iter().map(|(name, _)| named(name)).collect::<Vec<_>>(),
        ["doors", "toast:restaurants"]
    );
    let row = manifest.rows().unwrap().next().unwrap().unwrap();
    let typed: Vec<_> = row.typed.sides.iter().map(|(name, _)| named(name)).collect();
    assert_eq!(typed, ["doors", "toast:restaurants"]);
}

#[test]
fn the_nearest_of_cell_group_and_default_wins() {
    let toml = "[rollout]\norgs = \"o\"\n[settings]\nsaveClips = true\nenabled = true\nindexFaces = true\n\
                [operation.openai.settings]\nenabled = true\nrefreshToken = \"<secret:ALL>\"\n\
                [group.gold.settings]\nsaveClips = false\nindexFaces = \"<keep>\"\n\
                [group.gold.operation.openai.settings]\nrefreshToken = \"<secret:GOLD>\"\n\
                [group.idle.settings]\n[group.idle.operation.openai.settings]\nrefreshToken = \"<secret:IDLE>\"\n";
    let (manifest, _) = rollout(toml, "org_uuid,group\n{A},gold\n", &[]);
    let secrets: Vec<_> = manifest.unwrap().header().secrets.keys().map(ToString::to_string).collect();
    assert_eq!(secrets, ["ALL", "GOLD"], "those of a group that no row is in aren't asked for");
    let (operations, rows) = steps(
        toml,
        "org_uuid,group,saveClips,indexFaces,openai:enabled\n\
         {A},gold,,,\n\
         {B},,,,\n\
         {C}, gold ,<keep>,true,<keep>\n\
         DAAAAAAAAAAAAAAAAAAAAA,,<keep>,,false\n",
        &[],
    );
    assert_eq!(operations, ["envoy", "openai"]);
    assert_eq!(
        rows[0],
        [
            "envoy: enabled=true/default saveClips=false/group:gold",
            "openai: enabled=true/default refreshToken=<secret:GOLD>/group:gold"
        ]
    );
    assert_eq!(
        rows[1],
        [
            "envoy: enabled=true/default indexFaces=true/default saveClips=true/default",
            "openai: enabled=true/default refreshToken=<secret:ALL>/default"
        ]
    );
    assert_eq!(
        rows[2],
        ["envoy: enabled=true/default indexFaces=true/row", "openai: refreshToken=<secret:GOLD>/group:gold"]
    );
    assert_eq!(
        rows[3],
        [
            "envoy: enabled=true/default indexFaces=true/default",
            "openai: enabled=false/row refreshToken=<secret:ALL>/default"
        ]
    );
}

#[test]
fn members_of_objects_have_defaults_however_they_are_written() {
    for table in ["limits.most = 5", "\"limits.most\" = 5", "limits = { most = 5 }"] {
        let toml = format!("{FILES}[operation.org-two.settings]\n{table}\n");
        let header = "org_uuid,org-two:limits,org-two:limits.most\n";
        let (_, rows) = steps(&toml, &format!("{header}{{A}},,\n{{B}},<null>,\n{{C}},,7\n"), &[]);
        assert_eq!(rows[0], ["org-two: limits.most=5/default"], "{table}");
        assert_eq!(rows[1], ["org-two: limits=null/row"], "a cell for the object as a whole is nearer");
        assert_eq!(rows[2], ["org-two: limits.most=7/row"], "{table}");
    }
}

#[test]
fn defaults_of_every_type_are_read() {
    for (setting, expected) in [
        ("minutes = 9_000_000_000", "minutes=9000000000"),
        ("minutes = \"<null>\"", "minutes=null"),
        ("contacts = [\"a\", \"<b>\", \"=c\"]", "contacts=[\"a\",\"<b>\",\"=c\"]"),
        ("contacts = [\"\\\\a\"]", "contacts=[\"\\\\a\"]"),
        ("contacts = \"a;b\"", "contacts=[\"a\",\"b\"]"),
        ("contacts = []", "contacts=[]"),
        ("limits.least = 1.5", "limits.least=1.5"),
        ("limits.least = 2", "limits.least=2"),
    ] {
        let toml = format!("{FILES}[operation.org-two.settings]\n{setting}\n");
        let (_, rows) = steps(&toml, "org_uuid\n{A}\n", &[]);
        assert_eq!(rows[0], [format!("org-two: {expected}/default")], "{setting}");
    }
    for (setting, code) in [
        ("minutes = 1.5", Code::RollScalar),
        ("minutes = \"5\"", Code::CellNumber),
        ("limits.least = inf", Code::CellNumber),
        ("limits.least = \"1.5\"", Code::CellNumber),
        ("limits.most = 2147483648", Code::CellNumber),
        ("contacts = [\"a;b\"]", Code::CellList),
        ("contacts = [\"a\", \" \"]", Code::CellList),
        ("contacts = [[\"a\"]]", Code::CellList),
        ("contacts = { a = 1 }", Code::RollScalar),
    ] {
        let toml = format!("{FILES}[operation.org-two.settings]\n{setting}\n");
        let found = refused(&toml, "org_uuid\n{A}\n");
        assert_eq!(found.iter().map(|(code, _)| *code).collect::<Vec<_>>(), [code], "{setting}");
    }
}

#[test]
fn columns_that_name_no_setting_of_an_operation() {
    for (column, code, hint) in [
        ("org-ons:mfaEnabled", Code::ColOperation, "found \"org-ons\"; did you mean \"org-one:mfaEnabled\"?"),
        ("expect.org-ons:name", Code::ColOperation, "did you mean \"expect.org-one:name\"?"),
        ("Org-One:mfaEnabled", Code::ColOperation, "did you mean \"org-one:mfaEnabled\"?"),
        ("org-one :mfaEnabled", Code::ColOperation, "did you mean \"org-one:mfaEnabled\"?"),
        ("\u{43e}rg-one:mfaEnabled", Code::ColOperation, "did you mean \"org-one:mfaEnabled\"?"),
        ("zebra:mfaEnabled", Code::ColOperation, "found \"zebra\""),
        (":mfaEnabled", Code::ColOperation, "found \"\""),
        ("org-one\u{200b}:mfaEnabled", Code::ColName, "zero-width"),
        ("org-one\u{ff1a}mfaEnabled", Code::ColUnknown, "org-one\u{ff1a}mfaEnabled"),
        ("org-one:", Code::ColName, "an empty part"),
        ("expect.org-one:", Code::ColName, "an empty part"),
        ("org-one: mfaEnabled", Code::ColUnknown, "did you mean mfaEnabled?"),
        ("org-one:mfaenabled", Code::ColCase, "did you mean mfaEnabled?"),
        ("org-one:toast:enabled", Code::ColUnknown, "\"toast:enabled\""),
        ("org-one::name", Code::ColUnknown, "\":name\""),
        ("expect.expect.enabled", Code::ColUnknown, "\"expect\""),
        ("expect.org-one:expect.name", Code::ColUnknown, "did you mean \"expect.org-one:name\"?"),
        ("org-one:expect.name", Code::ColUnknown, "did you mean \"expect.org-one:name\"?"),
        (
            "currentToastRestaurantGuid",
            Code::ColUnknown,
            "did you mean \"toast:currentToastRestaurantGuid\"?",
        ),
        ("expect.mfaEnabled", Code::ColUnknown, "did you mean \"expect.org-mfa:mfaEnabled\"?"),
        ("org-one:saveClips", Code::ColUnknown, "did you mean \"saveClips\"?"),
        ("org-one:minutes", Code::ColUnknown, "did you mean \"org-two:minutes\"?"),
        ("toast:orgUuid", Code::ColUnsettable, "`expect.toast:orgUuid` can guard on it"),
        ("expect.openai:refreshToken", Code::ColSecretExpect, "\"expect.openai:refreshToken\""),
        (
            "toast:restaurantSettingsMap.k.name",
            Code::ColUnknown,
            "a field of an entry of restaurantSettingsMap",
        ),
        ("toast:org_uuid", Code::ColUnknown, "did you mean orgUuid?"),
    ] {
        let found = refused(FILES, &format!("org_uuid,\"{column}\"\n{{A}},\n"));
        assert_eq!(found.iter().map(|(code, _)| *code).collect::<Vec<_>>(), [code], "{column}");
        assert!(found[0].1.contains(hint), "{column}: {}", found[0].1);
    }
}

#[test]
fn a_path_in_both_spellings_is_there_twice() {
    for (header, columns) in [
        (
            "org_uuid,enabled,envoy:enabled",
            "\"enabled\" as column 2 and \"envoy:enabled\", which is the same, as column 3",
        ),
        ("org_uuid,expect.envoy:enabled,expect.enabled", "\"expect.envoy:enabled\" as column 2"),
        ("org_uuid,org-one:name,org-one:name", "\"org-one:name\" as column 2 and as column 3"),
    ] {
        let found = refused(FILES, &format!("{header}\n{{A}},,\n"));
        assert_eq!(found.len(), 1, "{header}");
        assert_eq!(found[0].0, Code::ColDuplicate);
        assert!(found[0].1.contains(columns), "{}", found[0].1);
    }
    let toml = "[rollout]\norgs = \"o\"\noperation = \"org-one\"\n";
    let (_, rows) = steps(toml, "org_uuid,note,org-one:note\n{A},x,y\n", &[]);
    assert_eq!(
        rows[0],
        ["org-one: note=\"y\"/row"],
        "with a prefix, what is called as a fixed column is a setting"
    );
}

#[test]
fn groups_that_the_rollout_lacks_are_refused() {
    let toml = "[rollout]\norgs = \"o\"\n[group.gold.settings]\nsaveClips = true\n";
    for (cell, hint) in [
        ("Gold", "found \"Gold\"; did you mean \"gold\"?"),
        ("golf", "did you mean \"gold\"?"),
        ("silver", "found \"silver\""),
        ("<keep>", "found \"<keep>\""),
        ("gold,gold", "found \"gold,gold\""),
        ("g\u{43e}ld", "did you mean \"gold\"?"),
    ] {
        let found = refused(toml, &format!("org_uuid,group\n{{B}},gold\n{{A}},\"{cell}\"\n"));
        assert_eq!(found.iter().map(|(code, _)| *code).collect::<Vec<_>>(), [Code::CellGroup], "{cell}");
        assert!(found[0].1.contains(":3: ") && found[0].1.contains(hint), "{}", found[0].1);
    }
    let found = refused(FILES, "org_uuid,group\n{A},\n");
    assert_eq!(found.iter().map(|(code, _)| *code).collect::<Vec<_>>(), [Code::ColGroup]);
}

#[test]
fn many_groups_over_many_columns() {
    let mut toml = FILES.to_owned();
    let mut orgs = "org_uuid,group,enabled".to_owned();
    for key in 0..20_000 {
        orgs += &format!(",toast:restaurantSettingsMap.{key}.locationName");
    }
    orgs.push('\n');
    for group in 0..1_000_u32 {
        toml += &format!(
            "[group.g{group}.settings]\nsaveClips = {}\n[group.g{group}.operation.toast.settings]\nenabled = true\n",
            group % 2 == 0
        );
    }
    let org = crate::ids::Ruuid::from_bytes;
    for row in 0..50_u32 {
        orgs += &format!("{},g{},{}\n", org(u128::from(row).to_be_bytes()), row * 20 + 1, ",".repeat(20_000));
    }
    let (operations, rows) = steps(&toml, &orgs, &[]);
    assert_eq!(operations, ["envoy", "toast"]);
    assert!(rows.iter().enumerate().all(|(row, steps)| {
        steps[0] == format!("envoy: saveClips=false/group:g{}", row * 20 + 1) && steps.len() == 2
    }));
}

#[test]
fn tables_of_a_rollout_file_that_are_refused() {
    for (name, toml, code, hint) in [
        (
            "an unknown operation",
            "[operation.org-ons.settings]\nname = \"x\"",
            Code::RollOperation,
            "did you mean org-one?",
        ),
        (
            "an unknown default",
            "[rollout]\norgs = \"o\"\noperation = \"Toast\"",
            Code::RollOperation,
            "did you mean toast?",
        ),
        ("a default that is no text", "[rollout]\norgs = \"o\"\noperation = 5", Code::RollValue, "in quotes"),
        (
            "an operation of a group",
            "[group.g.operation.org-ons.settings]",
            Code::RollOperation,
            "did you mean org-one?",
        ),
        (
            "settings of no table",
            "[operation.toast]\nenabled = true",
            Code::RollUnknown,
            "a key of [operation.toast]: settings, restaurants",
        ),
        (
            "a table of no settings",
            "[operation.toast]\nsettings = 5",
            Code::RollValue,
            "a table: [operation.toast.settings]",
        ),
        ("no table", "operation = 5", Code::RollValue, "a table: [operation]"),
        (
            "an operation that is none",
            "[operation]\ntoast = 5",
            Code::RollValue,
            "a table: [operation.toast]",
        ),
        (
            "an unknown setting",
            "[operation.toast.settings]\nenable = true",
            Code::RollUnknown,
            "a key of [operation.toast.settings]: currentToastRestaurantGuid",
        ),
        (
            "a setting of a group",
            "[group.g]\nsaveClips = true",
            Code::RollUnknown,
            "a key of [group.g]: settings, operation",
        ),
        (
            "a table in a group",
            "[group.g.operation.toast]\nrestaurants = \"r\"",
            Code::RollUnknown,
            "a key of [group.g.operation.toast]: settings",
        ),
        ("a group that is none", "[group]\ng = 5", Code::RollValue, "a table: [group.g]"),
        ("a group with spaces", "[group.\" g\".settings]", Code::RollValue, "the name of a group"),
        ("a group without a name", "[group.\"\".settings]", Code::RollValue, "the name of a group"),
        (
            "a map",
            "[operation.toast.settings]\nrestaurantSettingsMap = { k = { locationName = \"x\" } }",
            Code::RollScalar,
            "maps have side tables",
        ),
        ("an object", "[operation.org-two.settings]\nlimits = \"<null>\"", Code::RollScalar, "one value"),
        (
            "a member of another type",
            "[operation.org-two.settings.limits]\nmost = \"x\"",
            Code::CellNumber,
            "limits.most",
        ),
        (
            "a member that is none",
            "[operation.org-two.settings.limits]\nmoist = 5",
            Code::RollUnknown,
            "\"moist\"",
        ),
        (
            "a raw secret",
            "[group.g.operation.openai.settings]\nrefreshToken = \"hunter2\"",
            Code::CellSecret,
            "<secret:NAME>",
        ),
        (
            "server state",
            "[group.g.operation.toast.settings]\norgUuid = \"x\"",
            Code::ColUnsettable,
            "identifies the org",
        ),
        (
            "a setting twice",
            "[settings]\nenabled = true\n[operation.envoy.settings]\nenabled = true",
            Code::ColDuplicate,
            "a second enabled of envoy",
        ),
        (
            "one of a group twice",
            "[group.g.settings]\nenabled = true\n[group.g.operation.envoy.settings]\nenabled = true",
            Code::ColDuplicate,
            "a second enabled of envoy",
        ),
        (
            "a side table twice",
            "[operation.envoy]\ndoors = \"d\"\n[rollout]\norgs = \"o\"\ndoors = \"d\"",
            Code::ColDuplicate,
            "doors",
        ),
        (
            "a table of another operation",
            "[rollout]\norgs = \"o\"\nrestaurants = \"r\"",
            Code::RollUnknown,
            "a key of [rollout]",
        ),
    ] {
        let toml = if toml.contains("[rollout]") { toml.to_owned() } else { format!("{toml}\n{FILES}") };
        let (_, found) = rollout(&toml, "org_uuid\n{A}\n", &[("d", "org_uuid,door_key\n")]);
        assert_eq!(found.iter().map(|problem| problem.code).collect::<Vec<_>>(), [code], "{name}");
        let text = found[0].to_string();
        assert!(text.contains(hint) && !text.contains("hunter2"), "{name}: {text}");
    }
}

#[test]
fn a_file_of_other_tables_is_not_quoted() {
    let mut found = Vec::new();
    let mut sink = |problem: Problem| found.push(problem.to_string());
    let text = "[group.hunter2]\npassword = \"hunter2\"\n[operation.hunter2]\n";
    RolloutFile::parse(&catalog(), "f", text.as_bytes(), &[], &mut Problems::new(&mut sink));
    assert!(
        found.len() == 1 && found[0].contains("E-ROLL-005") && !found[0].contains("hunter2"),
        "{found:?}"
    );
}

#[test]
fn guards_on_what_an_earlier_step_changes_are_refused() {
    let settings = "[operation.org-one.settings]\nmfaEnabled = true\n";
    for (name, toml, header, by) in [
        ("a column", "", "org-one:mfaEnabled,expect.org-two:mfaEnabled", Some("org-one:mfaEnabled")),
        ("its own step", "", "org-one:mfaEnabled,expect.org-one:mfaEnabled", None),
        ("a later step", "", "expect.org-two:mfaEnabled,org-one:mfaEnabled", None),
        ("another path", "", "org-one:name,expect.org-two:mfaEnabled", None),
        ("another object", "", "enabled,expect.toast:enabled", None),
        ("a default", settings, "org-one:name,expect.org-two:mfaEnabled", Some("org-one:mfaEnabled")),
        (
            "a group",
            "[group.g.operation.org-one.settings]\nmfaEnabled = true\n",
            "org-one:name,expect.org-two:mfaEnabled",
            Some("org-one:mfaEnabled"),
        ),
    ] {
        let (manifest, found) =
            rollout(&format!("{FILES}{toml}"), &format!("org_uuid,{header}\n{{A}},,\n"), &[]);
        match by {
            None => assert!(manifest.is_some() && found.is_empty(), "{name}: {found:?}"),
            Some(by) => {
                assert!(manifest.is_none(), "{name}");
                assert_eq!(found[0].code, Code::ColExpectChanged, "{name}");
                assert!(found.len() == 1 && found[0].to_string().contains(by), "{}", found[0]);
            }
        }
    }
}

#[test]
fn what_was_typed_for_many_rows_is_kept_without_paths_of_files() {
    let toml = "[rollout]\norgs = \"o\"\n[settings]\nsaveClips = true\n[operation.toast]\nrestaurants = \"r\"\n\
                settings = { enabled = false }\n[operation.org-one]\n[group.g.operation.org-one.settings]\nname = \"x\"\n";
    let (manifest, _) = rollout(toml, "org_uuid\n{A}\n", &[("r", "org_uuid,restaurant_key\n")]);
    assert_eq!(
        json!(manifest.unwrap().header().defaults),
        json!({
            "settings": { "saveClips": true },
            "operation": { "toast": { "settings": { "enabled": false } } },
            "group": { "g": { "operation": { "org-one": { "settings": { "name": "x" } } } } },
        })
    );
}

#[test]
fn a_plan_reads_the_origin_of_a_group() {
    let operation = Catalog::built_in().default_one().clone();
    for name in ["gold", "12", "a:b", "row"] {
        let origin = crate::desired::Origin::Group(name.into());
        assert_eq!(operation.origin(&origin.text()), Some(origin), "{name}");
    }
    assert_eq!(operation.origin("groups:12"), None);
}
