//! Names of columns -> what their cells are.
//!
//! A column that is refused stays in its place as [`Column::Refused`], so that the cells of the others are still
//! judged, and all problems come at once.

use std::borrow::Cow;
use std::sync::Arc;

use super::cell::trim;
use super::problem::{is_mark, quote};
use super::spreadsheet::{is_error_value, is_exponent, is_formula};
use crate::code::Code;
use crate::operation::{Class, Field, Fields, Kind, Operation, ParsePathError, Path, SideTable, nearest};

/// A column of a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Column {
    OrgUuid,
    OrgName,
    Wave,
    Skip,
    Note,
    /// Its name begins with `_`: carried to the results.
    Carried,
    Setting(Path),
    Expect(Path),
    Refused,
}

/// A column of a side table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SideColumn {
    OrgUuid,
    Key,
    Remove,
    Member(Arc<Field>),
    Refused,
}

/// What the table itself must know of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Shape {
    /// Kept as it is; may hold line breaks and tabs.
    pub(crate) literal: bool,
    /// Holds text, in which direction marks are only worth a warning.
    pub(crate) text: bool,
    /// May never be shown.
    pub(crate) secret: bool,
}

/// Why a column is refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ColumnRefusal {
    pub(crate) code: Code,
    pub(crate) expected: Cow<'static, str>,
    pub(crate) found: String,
}

const FIXED: [(&str, Column); 5] = [
    ("org_uuid", Column::OrgUuid),
    ("org_name", Column::OrgName),
    ("wave", Column::Wave),
    ("skip", Column::Skip),
    ("note", Column::Note),
];

impl Column {
    pub(crate) fn of(operation: &Operation, name: &str) -> Result<Self, ColumnRefusal> {
        check_name(name)?;
        if let Some((_, column)) = FIXED.iter().find(|(fixed, _)| *fixed == name) {
            return Ok(column.clone());
        }
        if name.starts_with('_') {
            return Ok(Self::Carried);
        }
        if let Some(path) = name.strip_prefix("expect.") {
            let path = read_path(operation, path, name)?;
            if path.field().is_secret() {
                return Err(ColumnRefusal {
                    code: Code::ColSecretExpect,
                    expected: "a path that is not a secret: secrets are never compared".into(),
                    found: quote(name),
                });
            }
            return Ok(Self::Expect(path));
        }
        let path = read_path(operation, name, name)?;
        let top = path.top();
        let reason = match path.class() {
            Class::Setting | Class::Secret => return Ok(Self::Setting(path)),
            class => unsettable(class),
        };
        Err(ColumnRefusal {
            code: Code::ColUnsettable,
            expected: "a setting that a partner may set".into(),
            found: format!("{top}, {reason}; `expect.{top}` can guard on it"),
        })
    }

    pub(crate) fn shape(&self) -> Shape {
        match self {
            Self::OrgName | Self::Note | Self::Skip | Self::Carried => {
                Shape { literal: true, text: true, secret: false }
            }
            Self::Setting(path) | Self::Expect(path) => Shape {
                literal: false,
                text: matches!(path.kind(), Kind::Text | Kind::Texts),
                secret: path.field().is_secret(),
            },
            // Nobody knows what a refused column was meant to be: anything may be there, a secret too.
            Self::Refused => Shape { literal: true, text: true, secret: true },
            Self::OrgUuid | Self::Wave => Shape::default(),
        }
    }
}

impl SideColumn {
    pub(crate) fn of(table: &SideTable, name: &str) -> Result<Self, ColumnRefusal> {
        check_name(name)?;
        let fixed = [("org_uuid", Self::OrgUuid), (&*table.key_column, Self::Key), ("remove", Self::Remove)];
        if let Some((_, column)) = fixed.iter().find(|(fixed, _)| *fixed == name) {
            return Ok(column.clone());
        }
        let members = table.entry().members();
        members.and_then(|members| members.get(name)).cloned().map(Self::Member).ok_or_else(|| {
            let members = members.into_iter().flat_map(Fields::names);
            let names: Vec<&str> = fixed.iter().map(|(name, _)| *name).chain(members).collect();
            unknown(name, names.iter().copied(), format!("one of {}", names.join(", ")).into())
        })
    }

    pub(crate) fn shape(&self) -> Shape {
        let text = match self {
            Self::Member(member) => matches!(member.kind, Kind::Text),
            Self::Refused => true,
            Self::OrgUuid | Self::Key | Self::Remove => false,
        };
        let refused = matches!(self, Self::Refused);
        Shape { literal: refused, text, secret: refused }
    }
}

/// Why a class of fields can't be set.
pub(crate) const fn unsettable(class: Class) -> &'static str {
    match class {
        Class::Setting | Class::Secret => "which can be set",
        Class::ServerState => "which the vendor's server derives",
        Class::Audit => "which the vendor's server records",
        Class::Identity => "which identifies the org",
        Class::Discriminator => "which identifies the integration",
    }
}

fn check_name(name: &str) -> Result<(), ColumnRefusal> {
    let refusal = |expected: &'static str| ColumnRefusal {
        code: Code::ColName,
        expected: expected.into(),
        found: quote(name),
    };
    if name.is_empty() {
        return Err(ColumnRefusal {
            code: Code::ColName,
            expected: "a column with a name".into(),
            found: "nothing; spreadsheets write such columns behind the last one that is used".into(),
        });
    }
    if name.chars().any(|c| c.is_control() || is_mark(c)) {
        return Err(refusal("a name without control, direction or zero-width characters"));
    }
    Ok(())
}

fn read_path(operation: &Operation, path: &str, column: &str) -> Result<Path, ColumnRefusal> {
    let path = operation.path(path).map_err(|error| match &error {
        ParsePathError::UnknownField { name, .. } => {
            let fields = operation.fields.names();
            if column.starts_with("expect.") {
                unknown(name, fields, "a field of the settings".into())
            } else {
                let fixed = FIXED.iter().map(|(name, _)| *name);
                unknown(name, fixed.chain(fields), "a column that orgwave knows".into())
            }
        }
        ParsePathError::UnknownMember { map, name, did_you_mean } => {
            let near = did_you_mean.iter().map(String::as_str);
            unknown(name, near, format!("a field of an entry of {map}").into())
        }
        ParsePathError::NotAMap(_)
        | ParsePathError::TooDeep(_)
        | ParsePathError::EmptyPart
        | ParsePathError::Escape => ColumnRefusal {
            code: Code::ColName,
            expected: {
                let examples = &operation.examples;
                format!("a path such as {} or {} ({error})", examples.field, examples.member).into()
            },
            found: quote(column),
        },
    })?;
    let is_changed = |key: &str| is_exponent(key) || is_error_value(key) || is_formula(key) || key.is_empty();
    if path.keys().iter().any(|key| is_changed(trim(key))) {
        return Err(ColumnRefusal {
            code: Code::ColName,
            expected: "a key as the vendor writes it; a spreadsheet changed this one".into(),
            found: quote(column),
        });
    }
    Ok(path)
}

fn unknown<'a>(
    name: &str,
    known: impl Iterator<Item = &'a str>,
    expected: Cow<'static, str>,
) -> ColumnRefusal {
    let near = nearest(name, known);
    let code = match near {
        Some(near) if near.eq_ignore_ascii_case(name) => Code::ColCase,
        _ => Code::ColUnknown,
    };
    let found = quote(name);
    ColumnRefusal {
        code,
        expected,
        found: near.map_or(found.clone(), |near| format!("{found}; did you mean {near}?")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(name: &str) -> (Code, String) {
        let refusal = Column::of(&Operation::default_one(), name).unwrap_err();
        (refusal.code, refusal.found)
    }

    #[test]
    fn what_a_column_may_be() {
        for (name, column) in FIXED {
            assert_eq!(Column::of(&Operation::default_one(), name), Ok(column));
        }
        assert_eq!(Column::of(&Operation::default_one(), "_mine"), Ok(Column::Carried));
        for name in ["enabled", "apiToken", "doorInfoMap", "doorInfoMap.a", r"doorInfoMap.a\.b.doorName"] {
            assert!(matches!(Column::of(&Operation::default_one(), name), Ok(Column::Setting(_))), "{name}");
        }
        for name in ["expect.enabled", "expect.tokenValid", "expect.doorInfoMap.a", "expect.integration"] {
            assert!(matches!(Column::of(&Operation::default_one(), name), Ok(Column::Expect(_))), "{name}");
        }
    }

    #[test]
    fn what_it_may_not_be() {
        for (name, code, hint) in [
            ("saveclips", Code::ColCase, "did you mean saveClips?"),
            ("Org_UUID", Code::ColCase, "did you mean org_uuid?"),
            ("saveClip", Code::ColUnknown, "did you mean saveClips?"),
            ("Enabled.x", Code::ColCase, "did you mean enabled?"),
            ("zebra", Code::ColUnknown, "\"zebra\""),
            ("doorInfoMap.a.DoorName", Code::ColCase, "did you mean doorName?"),
            ("expect.saveclips", Code::ColCase, "did you mean saveClips?"),
            ("expect.apiToken", Code::ColSecretExpect, "expect.apiToken"),
            ("tokenValid", Code::ColUnsettable, "derives"),
            ("integrationAuditMap", Code::ColUnsettable, "records"),
            ("orgUuid", Code::ColUnsettable, "identifies the org"),
            ("integration", Code::ColUnsettable, "identifies the integration"),
            ("", Code::ColName, "nothing"),
            ("enabled.x", Code::ColName, "enabled.x"),
            ("doorInfoMap..doorName", Code::ColName, "doorInfoMap"),
            (r"doorInfoMap.1\.23E+11.doorName", Code::ColName, "doorInfoMap"),
            ("ena\u{202e}bled", Code::ColName, "<U+202E>"),
        ] {
            let (found_code, found) = refused(name);
            assert_eq!(found_code, code, "{name}");
            assert!(found.contains(hint), "{name}: {found}");
        }
    }

    #[test]
    fn side_tables_have_columns_of_their_own() {
        let operation = Operation::default_one();
        let doors = operation.table("doors").unwrap();
        assert_eq!(SideColumn::of(doors, "door_key"), Ok(SideColumn::Key));
        assert!(matches!(SideColumn::of(doors, "doorName"), Ok(SideColumn::Member(_))));
        for (name, code) in
            [("location_key", Code::ColUnknown), ("Remove", Code::ColCase), ("note", Code::ColUnknown)]
        {
            assert_eq!(SideColumn::of(doors, name).unwrap_err().code, code, "{name}");
        }
    }
}
