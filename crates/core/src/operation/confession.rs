//! What a 200 of an update may confess: that it was accepted, and not all of it.

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

    /// The key of the number of orgs with it, in `summary.json`.
    pub fn count_key(&self) -> String {
        format!("orgs_with_{}", if self.is_text() { "text" } else { &self.column })
    }
}
