//! A script as a C program that a student can compile, read and put into a debugger: one call a line, with what the contract
//! demands of it.
//!
//! It declares the four functions itself, without attributes: it needs nothing but the library, and no compiler knows enough to
//! warn of the misuse that is meant. The same holds for its variables, which are volatile.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use osmem_oracle::call::NULL;
use osmem_oracle::program::{Done, Op, Pointer, Refused, Slot};

use super::harmless;

/// What a program tells about its steps.
#[derive(Clone, Copy, Debug, Default)]
pub struct Comments<'a> {
    /// What stands at the top; may have several lines.
    pub about: &'a str,
    /// What to say of each step, by its number.
    pub steps: &'a [Option<String>],
    /// What each step does by the contract, by its number. A result that is NULL is not assigned then, since a slot remembers the
    /// pointer before.
    pub expected: &'a [Done],
}

/// Lines are broken where a comment would go beyond this column.
const WIDTH: usize = 110;

/// Comments begin here, or further left if all calls are short.
const COMMENT_COLUMN: usize = 40;

const FUNCTIONS: &str = "\
void *os_malloc(size_t size);
void *os_calloc(size_t nmemb, size_t size);
void *os_realloc(void *ptr, size_t size);
void os_free(void *ptr);
";

const LIMITS: &str = "
/* A soft limit of 0: RLIMIT_DATA refuses upward moves of the break, RLIMIT_AS new mappings. */
static struct rlimit before;

static void refuse(int resource)
{
    getrlimit(resource, &before);
    struct rlimit limit = before;
    limit.rlim_cur = 0;
    setrlimit(resource, &limit);
}

static void allow_again(int resource)
{
    setrlimit(resource, &before);
}
";

/// The program that makes these steps.
pub fn c_program(ops: &[Op], comments: &Comments<'_>) -> String {
    let mut writer = Writer { comments: *comments, ..Writer::default() };
    for (number, op) in ops.iter().enumerate() {
        writer.step(number, op);
    }
    writer.allow_again(None);
    writer.finish(ops)
}

#[derive(Default)]
struct Writer<'a> {
    comments: Comments<'a>,
    /// Statements with their comments.
    lines: Vec<(String, Option<String>)>,
    /// The slots that have been assigned to: the others are NULL.
    assigned: BTreeSet<Slot>,
    /// How far the program itself has moved the break, move by move.
    moves: Vec<i64>,
    refused: Option<&'static str>,
}

impl Writer<'_> {
    fn step(&mut self, number: usize, op: &Op) {
        let comment = self.comments.steps.get(number).cloned().flatten();
        let expected = self.comments.expected.get(number);
        let call = match *op {
            Op::Malloc { size, .. } => format!("os_malloc({})", constant(size)),
            Op::Calloc { nmemb, size, .. } => format!("os_calloc({}, {})", constant(nmemb), constant(size)),
            Op::Realloc { pointer, size, .. } => format!("os_realloc({}, {})", self.pointer(pointer), constant(size)),
            Op::Free { pointer } => format!("os_free({})", self.pointer(pointer)),
            Op::MoveBreak { by } => return self.move_break(by, expected, comment),
            Op::Refuse(refused) => return self.refuse(refused, comment),
        };
        let gives_null = matches!(expected, Some(Done::Call(call)) if call.result == Some(NULL));
        let statement = match op.slot().filter(|_| !gives_null) {
            Some(slot) => {
                self.assigned.insert(slot);
                format!("b{slot} = {call};")
            }
            None => format!("{call};"),
        };
        self.lines.push((statement, comment));
    }

    fn move_break(&mut self, by: i64, expected: Option<&Done>, comment: Option<String>) {
        let (statement, means) = if by < 0 {
            match (self.moves.pop(), expected) {
                (Some(last), None | Some(Done::Break(_))) => (format!("sbrk(-{last});"), "the program undoes its move"),
                _ => (String::new(), "the program has no move of the break that it could undo here"),
            }
        } else {
            let refused = matches!(expected, Some(Done::Nothing));
            if !refused {
                self.moves.push(by);
            }
            let means = if refused { "the program's own move, refused" } else { "the program itself moves the break" };
            (format!("sbrk({by});"), means)
        };
        // The limit on data keeps the break from moving down, too.
        let stays = by < 0 && !statement.is_empty() && self.refused == Some("RLIMIT_DATA");
        if stays {
            self.allow_again(Some("the limit keeps the break from moving down, too".to_owned()));
        }
        self.lines.push((statement, Some(comment.unwrap_or_else(|| means.to_owned()))));
        if stays {
            self.refuse(Refused::Break, None);
        }
    }

    fn refuse(&mut self, refused: Refused, comment: Option<String>) {
        let resource = match refused {
            Refused::Nothing => None,
            Refused::Break => Some(("RLIMIT_DATA", "from here on the break cannot be moved up")),
            Refused::Mappings => Some(("RLIMIT_AS", "from here on there are no new mappings")),
        };
        let Some((resource, means)) = resource else { return self.allow_again(comment) };
        if self.refused != Some(resource) {
            self.allow_again(None);
            self.refused = Some(resource);
            self.lines.push((format!("refuse({resource});"), Some(comment.unwrap_or_else(|| means.to_owned()))));
        }
    }

    fn allow_again(&mut self, comment: Option<String>) {
        if let Some(resource) = self.refused.take() {
            let comment = comment.unwrap_or_else(|| "nothing is refused any more".to_owned());
            self.lines.push((format!("allow_again({resource});"), Some(comment)));
        }
    }

    fn pointer(&self, pointer: Pointer) -> String {
        match pointer {
            Pointer::Slot { slot, offset } if self.assigned.contains(&slot) => match offset {
                0 => format!("b{slot}"),
                // The number itself cannot be written in C.
                i64::MIN => format!("b{slot} - {} - 1", i64::MAX),
                1.. => format!("b{slot} + {offset}"),
                _ => format!("b{slot} - {}", offset.unsigned_abs()),
            },
            Pointer::Null | Pointer::Slot { .. } => "NULL".to_owned(),
            Pointer::Stack => "&on_stack".to_owned(),
        }
    }

    fn finish(self, ops: &[Op]) -> String {
        let mut text = String::new();
        let about: Vec<String> = self.comments.about.trim().lines().map(comment_text).collect();
        if !about.is_empty() {
            text.push_str(&format!("/* {} */\n", about.join("\n * ").replace(" \n", "\n")));
        }
        text.push_str("#include <stddef.h>\n");
        let refuses = ops.iter().any(|op| matches!(op, Op::Refuse(Refused::Break | Refused::Mappings)));
        if refuses {
            text.push_str("#include <sys/resource.h>\n");
        }
        if ops.iter().any(|op| matches!(op, Op::MoveBreak { .. })) {
            text.push_str("#include <unistd.h>\n");
        }
        text.push('\n');
        text.push_str(FUNCTIONS);
        if !self.assigned.is_empty() {
            text.push_str("\n/* volatile: no compiler takes a call away, or warns of a pointer that is used after it was freed */\n");
        }
        let slots: Vec<String> = self.assigned.iter().map(|slot| format!("*volatile b{slot}")).collect();
        for some in slots.chunks(5) {
            text.push_str(&format!("static char {};\n", some.join(", ")));
        }
        if refuses {
            text.push_str(LIMITS);
        }
        text.push_str("\nint main(void)\n{\n");
        if ops.iter().any(|op| op.pointer() == Some(Pointer::Stack)) {
            text.push_str("    long on_stack = 0; /* no block of anybody's */\n\n");
        }
        self.statements(&mut text);
        text.push_str("    return 0;\n}\n");
        text
    }

    fn statements(&self, text: &mut String) {
        let longest =
            self.lines.iter().map(|(statement, _)| statement.len()).filter(|length| *length <= COMMENT_COLUMN);
        let column = longest.max().unwrap_or(0);
        for (statement, comment) in &self.lines {
            let comment = comment.as_deref().map(comment_text).filter(|comment| !comment.is_empty());
            // Writing to a string does not fail.
            let _ = match comment {
                None => writeln!(text, "    {statement}"),
                Some(comment) if statement.is_empty() => writeln!(text, "    /* {comment} */"),
                Some(comment) if column.max(statement.len()) + comment.chars().count() + 11 <= WIDTH => {
                    writeln!(text, "    {statement:column$} /* {comment} */")
                }
                Some(comment) => writeln!(text, "    /* {comment} */\n    {statement}"),
            };
        }
    }
}

/// Small numbers as they are: they convert silently. Larger ones have the type of size_t.
fn constant(size: u64) -> String {
    if i32::try_from(size).is_ok() { size.to_string() } else { format!("{size}UL") }
}

/// What a comment may hold: one line, neither of its ends, and no trigraph.
fn comment_text(text: &str) -> String {
    // After the first round at most two question marks stand together.
    let text = harmless(text.trim()).replace("??", "? ?").replace("??", "? ?");
    text.replace("*/", "* /").replace("/*", "/ *")
}

#[cfg(test)]
mod tests;
