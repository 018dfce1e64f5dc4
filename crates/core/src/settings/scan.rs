//! A walk over text that is known to be JSON, to find where its parts begin and end.
//!
//! A [`RawValue`] was proven to be JSON when it was read. To find a member of it again, nothing has to be proven anew:
//! a text ends at its quote and an object at its brace, so most bytes are jumped over. This checks nothing, builds
//! no value and can't recurse. Text that is no JSON would come out in wrong pieces, though without a panic.

use std::borrow::Cow;

use memchr::memchr2;
use serde_json::value::RawValue;

/// A place in a text, and the text.
pub(super) struct Scan<'a> {
    text: &'a str,
    at: usize,
}

/// The key of a member, and where it begins.
pub(super) struct Key<'a> {
    /// The place of its quote.
    pub(super) start: usize,
    /// `None` if it is no Unicode: half a surrogate pair, which JSON can spell.
    pub(super) text: Option<Cow<'a, str>>,
}

impl<'a> Scan<'a> {
    /// At the beginning of a value, which has no space around it.
    pub(super) fn of(raw: &'a RawValue) -> Self {
        Self { text: raw.get(), at: 0 }
    }

    /// Where the scan is.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Goes into an object. `false`: here begins something else.
    pub(super) fn enter_object(&mut self) -> bool {
        let is_object = self.peek() == Some(b'{');
        self.at += usize::from(is_object);
        is_object
    }

    /// Goes to the value of the next member, and after the last one out of the object.
    pub(super) fn next_member(&mut self) -> Option<Key<'a>> {
        self.skip_space();
        if self.peek() == Some(b',') {
            self.at += 1;
            self.skip_space();
        }
        let start = self.at;
        if self.peek() != Some(b'"') {
            self.at += 1;
            return None;
        }
        let has_escape = self.skip_text();
        let quoted = self.text.get(start..self.at).unwrap_or_default();
        let text = if has_escape {
            serde_json::from_str(quoted).ok().map(Cow::Owned)
        } else {
            quoted.get(1..quoted.len() - 1).map(Cow::Borrowed)
        };
        self.skip_space();
        self.at += 1; // the colon
        self.skip_space();
        Some(Key { start, text })
    }

    /// Goes to the end of the value that begins here.
    pub(super) fn skip_value(&mut self) {
        let mut depth = 0_usize;
        while let Some(byte) = self.peek() {
            match byte {
                b'"' => {
                    self.skip_text();
                    if depth == 0 {
                        return;
                    }
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' if depth > 1 => depth -= 1,
                b'}' | b']' => {
                    // The end of this object or list; of a number or a name before it, it is the end of what is around.
                    self.at += depth;
                    return;
                }
                b',' | b' ' | b'\n' | b'\r' | b'\t' if depth == 0 => return,
                _ => {}
            }
            self.at += 1;
        }
    }

    /// Goes behind the text that begins here, and says whether it has an escape.
    fn skip_text(&mut self) -> bool {
        self.at += 1;
        let mut has_escape = false;
        while let Some(length) = memchr2(b'"', b'\\', self.text.as_bytes().get(self.at..).unwrap_or_default()) {
            self.at += length + 1;
            if self.text.as_bytes()[self.at - 1] == b'"' {
                return has_escape;
            }
            has_escape = true;
            self.at += 1;
        }
        self.at = self.text.len();
        has_escape
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }
}
