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
        if self.skip_space() == Some(b',') {
            self.at += 1;
        }
        let is_key = self.skip_space() == Some(b'"');
        let start = self.at;
        if !is_key {
            self.at += 1;
            return None;
        }
        let has_escape = self.skip_text();
        let text = if has_escape {
            self.text.get(start..self.at).and_then(|quoted| serde_json::from_str(quoted).ok()).map(Cow::Owned)
        } else {
            self.text.get(start + 1..self.at - 1).map(Cow::Borrowed)
        };
        self.skip_space();
        self.at += 1; // the colon
        self.skip_space();
        Some(Key { start, text })
    }

    /// Goes to the end of the value that begins here.
    pub(super) fn skip_value(&mut self) {
        match self.peek() {
            Some(b'"') => {
                self.skip_text();
            }
            Some(b'{' | b'[') => self.skip_nested(),
            _ => {
                let ends = |byte: &u8| matches!(byte, b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t');
                let rest = self.rest();
                self.at += rest.iter().position(ends).unwrap_or(rest.len());
            }
        }
    }

    /// Goes behind the object or list that begins here.
    fn skip_nested(&mut self) {
        let mut depth = 0_usize;
        while let Some(byte) = self.peek() {
            match byte {
                b'"' => {
                    self.skip_text();
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return;
            }
        }
    }

    /// Goes behind the text that begins here, and says whether it has an escape.
    fn skip_text(&mut self) -> bool {
        self.at += 1;
        let mut has_escape = false;
        while let Some(length) = memchr2(b'"', b'\\', self.rest()) {
            self.at += length;
            let is_end = self.peek() == Some(b'"');
            self.at += 1;
            if is_end {
                return has_escape;
            }
            has_escape = true;
            self.at += 1;
        }
        self.at = self.text.len();
        has_escape
    }

    /// Goes to the next byte that is no space.
    fn skip_space(&mut self) -> Option<u8> {
        loop {
            match self.peek() {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                other => return other,
            }
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }
}
