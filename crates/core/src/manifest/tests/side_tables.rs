//! Side tables: how they join, and what is refused in them.

use serde_json::json;

use super::*;
use crate::desired::Origin;

#[test]
fn side_tables_join_by_org() {
    let orgs = "org_uuid,doorInfoMap.m.doorName\n{B},x\n\n{A},\n{C},\n";
    let doors = "door_key,org_uuid,doorName,remoteUnlock,remove\n\
        1,{A},\"One, \"\"1\"\"\",TRUE,\n2,{B},Two,,false\n3,{A},,,TRUE\n m2 ,{B},<null>,<keep>,\n";
    let users = "org_uuid,user_key,guestsEnabled\n{C},u.1,true\n";
    for doors in [doors.to_owned(), doors.replace('\n', "\r\n"), format!("\u{feff}{doors}")] {
        let rows = rows(inputs(fill(orgs), &[(DOORS, &doors), ("users", users)]));
        let orgs: Vec<_> = rows.iter().map(|row| row.org.as_str()).collect();
        assert_eq!(orgs, [B, A, C]);
        assert_eq!(
            desired_values(&rows[0]),
            [
                set("doorInfoMap.2.doorName", json!("Two")),
                set("doorInfoMap.m.doorName", json!("x")),
                set("doorInfoMap.m2.doorName", json!(null)),
            ]
        );
        assert_eq!(
            desired_values(&rows[1]),
            [
                set("doorInfoMap.1.doorName", json!("One, \"1\"")),
                set("doorInfoMap.1.remoteUnlock", json!(true)),
                ("doorInfoMap.3".to_owned(), DesiredValue::Remove),
            ]
        );
        assert_eq!(desired_values(&rows[2]), [set("envoyUserSettingsMap.u\\.1.guestsEnabled", json!(true))]);
        assert_eq!(rows[1].steps[0].desired.managed[0].origin, Origin::Side(DOORS.into(), 2));
        assert_eq!(
            rows[1].typed.sides[0],
            (DOORS.into(), ["1", A, "One, \"1\"", "TRUE", ""].map(String::from).to_vec())
        );
        assert_eq!(rows[0].typed.sides.len(), 2);
    }
}

#[test]
fn a_side_table_in_utf_16_joins_too() {
    let doors =
        String::from_utf8(fill("org_uuid;door_key;doorName\n{B};1;caf\u{e9}\n{A};2;\u{1f6aa}\n")).unwrap();
    let bytes = [0xFE, 0xFF].into_iter().chain(doors.encode_utf16().flat_map(u16::to_be_bytes)).collect();
    let mut inputs = inputs(fill("org_uuid\n{A}\n{B}\n"), &[]);
    inputs.sides.push(side(DOORS, Cursor::new(bytes)));
    let rows = rows(inputs);
    assert_eq!(desired_values(&rows[0]), [set("doorInfoMap.2.doorName", json!("\u{1f6aa}"))]);
    assert_eq!(desired_values(&rows[1]), [set("doorInfoMap.1.doorName", json!("caf\u{e9}"))]);
}

#[test]
fn side_tables_are_refused() {
    let orgs =
        "org_uuid,doorInfoMap,doorInfoMap.m.doorName,doorInfoMap.e\n{A},,x,\n{B},<empty>,,\n{C},,,<remove>\n";
    for (name, doors, expected) in [
        (
            "an org that isn't there",
            "org_uuid,door_key,doorName\nDAAAAAAAAAAAAAAAAAAAAA,1,x\n",
            vec![(Code::SideOrg, 2)],
        ),
        (
            "an entry twice",
            "org_uuid,door_key,doorName\n{A},1,x\n{A},2,x\n{C},1,x\n{A}, 1 ,y\n",
            vec![(Code::SideTwice, 5)],
        ),
        (
            "a field that the row names",
            "org_uuid,door_key,doorName,remoteUnlock\n{A},m,y,\n{C},m,y,\n",
            vec![(Code::SideClash, 2)],
        ),
        ("another field of the same entry", "org_uuid,door_key,doorName,remoteUnlock\n{A},m,,true\n", vec![]),
        (
            "the entry of such a field removed",
            "org_uuid,door_key,remove\n{A},m,TRUE\n",
            vec![(Code::SideClash, 2)],
        ),
        (
            "a map that the row sets whole",
            "org_uuid,door_key,doorName\n{B},1,x\n",
            vec![(Code::SideClash, 2)],
        ),
        (
            "an entry that the row removes",
            "org_uuid,door_key,doorName\n{C},e,x\n",
            vec![(Code::SideClash, 2)],
        ),
        ("no org column, no key column", "doorName\nx\n", vec![(Code::ColMissing, 1)]),
        ("no key column", "org_uuid,doorName\n{A},x\n", vec![(Code::ColMissing, 1)]),
        (
            "an unknown column",
            "org_uuid,door_key,doorname\n{A},1,x\n",
            vec![(Code::ColCase, 1), (Code::SideIdle, 2)],
        ),
        ("a row that changes nothing", "org_uuid,door_key,doorName\n{A},1, \n", vec![(Code::SideIdle, 2)]),
        (
            "blank org and key",
            "org_uuid,door_key,doorName\n,,x\n",
            vec![(Code::CellMissing, 2), (Code::CellMissing, 2)],
        ),
        (
            "keys that are none",
            "org_uuid,door_key,doorName\n{A},1.23E+11,x\n{A},<null>,x\n{A},a\u{202e},x\n{A},#REF!,x\n",
            vec![
                (Code::CellSpreadsheet, 2),
                (Code::CellToken, 3),
                (Code::CellKey, 4),
                (Code::CellSpreadsheet, 5),
            ],
        ),
        ("a token out of place", "org_uuid,door_key,doorName\n{A},1,<remove>\n", vec![(Code::CellToken, 2)]),
        ("a remove that is neither", "org_uuid,door_key,remove\n{A},1,x\n", vec![(Code::CellBool, 2)]),
        ("old values beside a remove", "org_uuid,door_key,clipDuration,remove\n{A},1,old,TRUE\n", vec![]),
        ("a header alone", "org_uuid,door_key\n", vec![]),
        ("empty", "", vec![(Code::FileEmpty, 0)]),
        (
            "a line break",
            "org_uuid,door_key,doorName\n{A},1,\"a\nb\"\n{A}\n",
            vec![(Code::RowLineBreak, 2), (Code::RowRagged, 4)],
        ),
    ] {
        assert_eq!(found(fill(orgs), &[(DOORS, doors)]), expected, "{name}");
    }
}

#[test]
fn a_bad_row_does_not_make_its_side_lines_wrong() {
    let orgs = fill("org_uuid,note\n{A}\n{B},\"x\n");
    let doors = "org_uuid,door_key,doorName\n{A},1,x\n{B},1,x\n";
    assert_eq!(found(orgs, &[(DOORS, doors)]), [(Code::RowRagged, 2), (Code::RowUnclosed, 3)]);
    let unusable = fill("org_uuid,\"note\n{A},\n");
    assert_eq!(found(unusable, &[(DOORS, doors)]), [(Code::RowUnclosed, 1)]);
}
