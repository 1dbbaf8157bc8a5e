//! What `osmem judge` found, for people.

use std::io::{self, Write};

use super::text::{BAD, GOOD, causes, item, styled, table};
use crate::judge::{Finding, JudgeRecord};

/// Writes all of it; lines are at most `width` characters.
pub fn write(out: &mut impl Write, record: &JudgeRecord, width: usize) -> io::Result<()> {
    let JudgeRecord { trace, calls, profile, parameters, .. } = record;
    writeln!(out, "{trace}: {calls} calls (profile {profile}), headers of {} bytes", parameters.header)?;
    for finding in &record.findings {
        self::finding(out, finding, width)?;
    }
    writeln!(out)?;
    for (number, sentence) in record.behaves.iter().enumerate() {
        item(out, if number == 0 { "library" } else { "" }, sentence, width)?;
    }
    causes(out, &record.causes, "cause", width)?;
    if record.end != "exit 0" {
        item(out, "end", &record.end, width)?;
    }
    let interrupted = if record.interrupted { "interrupted: " } else { "" };
    let (style, verdict) = match record.divergences {
        0 => (GOOD, "no call leaves the contract".to_owned()),
        1 => (BAD, "1 call leaves the contract".to_owned()),
        count => (BAD, format!("{count} calls leave the contract")),
    };
    writeln!(out, "{}", styled(style, format_args!("{interrupted}{verdict}")))
}

fn finding(out: &mut impl Write, finding: &Finding, width: usize) -> io::Result<()> {
    writeln!(out, "\n{} {}", styled(BAD, format_args!("line {}:", finding.line)), finding.sentence)?;
    if let Some(difference) = &finding.difference {
        table(out, difference, width)?;
        let text = format!("{} {}. {}", difference.rule, difference.rule.name(), difference.sentence);
        item(out, "rule", &text, width)?;
    }
    match finding.more {
        0 => Ok(()),
        1 => item(out, "more", "1 more call of this kind", width),
        more => item(out, "more", &format!("{more} more calls of this kind"), width),
    }
}
