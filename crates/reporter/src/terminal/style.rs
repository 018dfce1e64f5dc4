//! Colour, where it helps and is wanted.

/// Whether text is coloured. Decided by the binary, which knows the terminal, `NO_COLOR` and `--color`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// ANSI colours of the terminal's own palette.
    Coloured,
    /// None.
    Plain,
}

/// What a piece of text is, for its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Plain,
    Strong,
    Good,
    Warn,
    Bad,
    Faint,
}

impl Style {
    pub(crate) const fn begin(self, tone: Tone) -> &'static str {
        match (self, tone) {
            (Self::Plain, _) | (_, Tone::Plain) => "",
            (Self::Coloured, Tone::Strong) => "\x1b[1m",
            (Self::Coloured, Tone::Good) => "\x1b[32m",
            (Self::Coloured, Tone::Warn) => "\x1b[33m",
            (Self::Coloured, Tone::Bad) => "\x1b[31m",
            (Self::Coloured, Tone::Faint) => "\x1b[2m",
        }
    }

    pub(crate) const fn end(self, tone: Tone) -> &'static str {
        match (self, tone) {
            (Self::Plain, _) | (_, Tone::Plain) => "",
            (Self::Coloured, _) => "\x1b[0m",
        }
    }
}
