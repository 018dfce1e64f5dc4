//! What a 200 of an update may confess: that it was accepted, and not all of it.
//!
//! The members are few, and mean the same in every reply that has them, so a description only names them.

use std::sync::LazyLock;

/// A member of an update's reply that says what went wrong with an accepted write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confession {
    /// The reply's member.
    pub member: Box<str>,
    /// What journals and tables call it; the name of its column.
    pub column: Box<str>,
    /// What a cell of that column says.
    pub about: Box<str>,
    /// What is there.
    pub form: Form,
    /// What an org with it has, in words: `doors in more than one location`.
    pub words: Box<str>,
    /// The same, to be before the items of one org.
    pub label: Box<str>,
    /// What to do about it.
    pub advice: Box<str>,
}

/// The form of a confession.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// One text.
    Text,
    /// A list of names.
    Names,
    /// A list of ids.
    Ids,
}

impl Confession {
    /// Whether it is a text, not a list.
    pub fn is_text(&self) -> bool {
        self.form == Form::Text
    }

    /// What any operation may confess, the most telling first.
    pub fn known() -> &'static [Self] {
        static KNOWN: LazyLock<[Confession; 3]> = LazyLock::new(describe);
        &*KNOWN
    }

    /// The same in the order of a table's columns: lists by name, then texts.
    pub fn columns() -> Vec<&'static Self> {
        let mut columns: Vec<&Self> = Self::known().iter().collect();
        columns.sort_by_key(|confession| (confession.is_text(), &confession.column));
        columns
    }

    /// The key of the number of orgs with it, in `summary.json`.
    pub fn count_key(&self) -> String {
        format!("orgs_with_{}", if self.is_text() { "text" } else { &self.column })
    }
}

/// The confession that a member of an update's reply is; `None` where its meaning is unknown.
pub(super) fn confession(member: &str) -> Option<Confession> {
    Confession::known().iter().find(|known| *known.member == *member).cloned()
}

fn describe() -> [Confession; 3] {
    let confession =
        |member: &str, column: &str, about: &str, form, words: &str, label: &str, advice: &str| {
            let [member, column, about, words, label, advice] =
                [member, column, about, words, label, advice].map(Into::into);
            Confession { member, column, about, form, words, label, advice }
        };
    [
        confession(
            "misconfiguredDoors",
            "misconfigured_doors",
            "doors that are in more than one location, separated by `;`",
            Form::Names,
            "doors in more than one location",
            "doors in two locations",
            "in Envoy, leave each door of misconfigured_doors in one location only",
        ),
        confession(
            "failedGuids",
            "failed_guids",
            "ids that the vendor rejected, separated by `;`",
            Form::Ids,
            "ids that the vendor rejected",
            "rejected ids",
            "check that each id of failed_guids still exists in this org",
        ),
        confession(
            "warningMsg",
            "warning",
            "the vendor's message with an accepted write",
            Form::Text,
            "a message of the vendor",
            "warning",
            "the settings are live; read the vendor's warning",
        ),
    ]
}
