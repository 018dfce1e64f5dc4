//! `junit.xml`: the run as GitLab, Jenkins and their like read tests. One case per row of the manifest; in a run of several
//! operations one per step, whose class names the operation.
//!
//! An org that needs attention is a failure, with its code and message; one that was omitted or not started is
//! skipped; a warning of the vendor is the case's output. A case is named by its org alone, so that it is the
//! same case in the next run. The totals are in front and are known last: room is left for them.
//!
//! Jenkins shows the attribute `message`, GitLab the content of the element: what was said is in both.

use std::fmt::{self, Write as _};
use std::io::{self, BufWriter, Seek as _, SeekFrom, Write as _};
use std::time::Duration;

use orgwave_core::legible::is_hidden;
use orgwave_core::outcome::OrgOutcome;
use orgwave_core::run::RunHeader;
use orgwave_core::status::{Counts, Status};

use crate::advice::after;
use crate::digest::RunDigest;
use crate::record::Record;
use crate::rendered::Rendered;
use crate::run_file::{Place, RunFile};
use crate::terminal::clean;
use crate::whole::WholeFile;

const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// Longer than any run: 31 years.
const LONGEST: Duration = Duration::from_secs(999_999_999);

pub(super) struct Junit {
    out: BufWriter<WholeFile>,
    strict: bool,
    room: usize,
    /// Cases by status.
    counts: Counts,
}

/// How a test suite would put it.
#[derive(PartialEq, Eq)]
enum Verdict {
    Passed,
    Skipped,
    Failure,
}

impl Junit {
    pub(super) const NAME: &str = "junit.xml";

    pub(super) fn begin(place: &Place<'_>, run: &RunHeader) -> io::Result<Self> {
        let mut out = BufWriter::with_capacity(1 << 16, place.begin(Self::NAME)?);
        let most = u64::from(run.orgs) * u64::from(run.places());
        let room = head(run, Totals { tests: most, failures: most, skipped: most, worked: LONGEST }).len();
        writeln!(out, "{DECLARATION}{:room$}", "")?;
        Ok(Self { out, strict: run.strict, room, counts: Counts::default() })
    }

    fn verdict(&self, status: Status) -> Verdict {
        match status {
            Status::AppliedWithWarnings if self.strict => Verdict::Failure,
            Status::Applied | Status::AppliedWithWarnings | Status::Unchanged => Verdict::Passed,
            Status::Skipped | Status::NotAttempted => Verdict::Skipped,
            Status::Conflict
            | Status::Blocked
            | Status::Rejected
            | Status::Failed
            | Status::Diverged
            | Status::Unknown => Verdict::Failure,
        }
    }

    fn total(&self, verdict: &Verdict) -> u64 {
        self.counts.iter().filter(|(status, _)| self.verdict(*status) == *verdict).map(|(_, orgs)| orgs).sum()
    }
}

impl RunFile for Junit {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn org(&mut self, record: &Record, _: &Rendered) -> io::Result<()> {
        if !record.operations().are_several() || record.steps.is_empty() {
            return self.case(record, &record.outcome, "orgwave");
        }
        for (planned, step) in record.steps() {
            self.case(record, &step.outcome, &format!("orgwave.{}", planned.operation.name))?;
        }
        Ok(())
    }

    fn end(mut self: Box<Self>, digest: &RunDigest, done: &mut Vec<WholeFile>) -> io::Result<()> {
        writeln!(self.out, "  </testsuite>\n</testsuites>")?;
        let totals = Totals {
            tests: self.counts.total(),
            failures: self.total(&Verdict::Failure),
            skipped: self.total(&Verdict::Skipped),
            worked: digest.course.worked,
        };
        let head = head(&digest.run, totals);
        if head.len() > self.room {
            return Err(io::Error::other("the totals don't fit the room that was left for them"));
        }
        let mut file = self.out.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.seek(SeekFrom::Start(DECLARATION.len() as u64))?;
        file.write_all(head.as_bytes())?;
        done.push(file);
        Ok(())
    }
}

impl Junit {
    /// An org, or a step of it, that came to this.
    fn case(&mut self, record: &Record, outcome: &OrgOutcome, class: &str) -> io::Result<()> {
        let line = &record.line;
        self.counts.add(outcome.status);
        let next_step = after(outcome, record);
        let took = match (outcome.started_at, outcome.finished_at) {
            (Some(started), Some(finished)) => finished.since(started),
            _ => Duration::ZERO,
        };
        let name = record.name().trim();
        let gap = if name.is_empty() { "" } else { " " };
        let out = &mut self.out;
        write!(
            out,
            "    <testcase classname=\"{class}\" name=\"{}{gap}{}\" time=\"{}\"",
            Clean(&clean(name)),
            line.org,
            Seconds(took)
        )?;
        let org_error = outcome.org_error.as_ref();
        let message = org_error.map_or(outcome.status.as_str(), |org_error| org_error.message.as_str());
        let warning = outcome.ack.message();
        let verdict = self.verdict(outcome.status);
        let out = &mut self.out;
        match verdict {
            Verdict::Passed if warning.is_empty() && next_step.is_empty() => {
                return writeln!(out, "/>");
            }
            Verdict::Passed => {
                let said = [warning, &*next_step].join("\n");
                writeln!(out, ">\n      <system-out>{}</system-out>", Clean(said.trim()))?;
            }
            Verdict::Skipped => {
                let why = line.skip.as_deref().unwrap_or(message);
                write!(out, ">\n      <skipped message=\"{0}\">{0}", Clean(why))?;
                if !next_step.is_empty() {
                    write!(out, "\n{}", Clean(&next_step))?;
                }
                writeln!(out, "</skipped>")?;
            }
            Verdict::Failure => {
                let code = org_error.map_or(outcome.status.as_str(), |org_error| org_error.code.as_str());
                let message = if warning.is_empty() { message } else { warning };
                write!(out, ">\n      <failure type=\"{code}\" message=\"{}\">", Clean(message))?;
                write!(out, "{}\n{}, manifest line {}", Clean(message), outcome.status, line.line)?;
                if let Some(http) = outcome.http_status {
                    write!(out, ", HTTP {http}")?;
                }
                writeln!(out, "\n{}</failure>", Clean(&next_step))?;
            }
        }
        writeln!(self.out, "    </testcase>")
    }
}

#[derive(Clone, Copy)]
struct Totals {
    tests: u64,
    failures: u64,
    skipped: u64,
    worked: Duration,
}

/// The two elements that hold the totals.
fn head(run: &RunHeader, totals: Totals) -> String {
    let Totals { tests, failures, skipped, worked } = totals;
    let total =
        format!("tests=\"{tests}\" failures=\"{failures}\" errors=\"0\" time=\"{}\"", Seconds(worked));
    // Readers want the moment without a zone; it is UTC.
    let started = run.started.to_string();
    let started = started.trim_end_matches('Z');
    let mut head = format!("<testsuites name=\"orgwave\" {total}>\n  <testsuite name=\"run\" {total}");
    // Jenkins' schema knows the number of the skipped of a suite, not of all suites.
    let _ = write!(head, " skipped=\"{skipped}\" timestamp=\"{started}\" id=\"{}\">", Clean(&run.run_id));
    head
}

/// A text as it may be in an element or an attribute of XML 1.0.
struct Clean<'a>(&'a str);

impl fmt::Display for Clean<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut last = ' ';
        for c in self.0.chars() {
            match c {
                // The file is also printed to a job's log, where `##word[` is a command; to XML it is the same.
                '#' if last == '#' => f.write_str("&#35;")?,
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                // A bare one in an attribute would be read as a space.
                '\t' | '\n' => write!(f, "&#{};", u32::from(c))?,
                c if is_hidden(c) || matches!(c, '\u{fffe}' | '\u{ffff}') => {
                    // The notation of what can't be seen, as text of XML.
                    write!(f, "&lt;U+{:04X}&gt;", u32::from(c))?;
                }
                c => f.write_char(c)?,
            }
            last = c;
        }
        Ok(())
    }
}

/// `4.250`: seconds with milliseconds.
struct Seconds(Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}", self.0.as_secs(), self.0.subsec_millis())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_markup_and_no_character_is_forbidden() {
        let dirty = "a<b> & \"c\"\n\u{0}\u{1b}[31m\u{85}\u{ffff}ü ##vso[x]\u{202e}";
        assert_eq!(
            Clean(dirty).to_string(),
            "a&lt;b&gt; &amp; &quot;c&quot;&#10;&lt;U+0000&gt;&lt;U+001B&gt;[31m&lt;U+0085&gt;&lt;U+FFFF&gt;ü #&#35;vso[x]&lt;U+202E&gt;"
        );
    }

    #[test]
    fn seconds_have_three_decimals() {
        assert_eq!(Seconds(Duration::from_millis(4_050)).to_string(), "4.050");
    }
}
