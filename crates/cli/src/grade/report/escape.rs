//! How foreign text is written so that nothing obeys it: not a terminal, a CI log, Markdown, a spreadsheet or JSON seen in a terminal.
//! (HTML is escaped by maud and XML by quick-junit, of text that has been made printable here.)

/// `text` in one line that shows itself: what steers, hides or reorders becomes a visible escape such as `\u{1b}`.
pub fn printable(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut shown, c| {
        if is_treacherous(c) {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
        shown
    })
}

/// Like [`printable`], but lines and tabs stay: for a block of text.
pub fn printable_lines(text: &str) -> String {
    text.replace("\r\n", "\n").split('\n').map(printable_with_tabs).collect::<Vec<_>>().join("\n")
}

fn printable_with_tabs(line: &str) -> String {
    line.split('\t').map(printable).collect::<Vec<_>>().join("\t")
}

/// Whether a character does anything but show itself.
fn is_treacherous(c: char) -> bool {
    c.is_control()
        || matches!(c,
            // Invisible: soft hyphen, Mongolian vowel separator, zero-width, joiners, invisible operators, byte order mark.
            '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}'..='\u{200d}'
            | '\u{2060}'..='\u{2064}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            // Direction: marks, embeddings, overrides, isolates.
            | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{206f}'
            // Separators of lines and paragraphs, interlinear annotation, tags, and what no XML may hold.
            | '\u{2028}' | '\u{2029}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}' | '\u{fffe}' | '\u{ffff}')
}

/// [`printable`] for a terminal that may be the log of a CI service: no word begins one of its commands.
pub fn log(text: &str) -> String {
    without_commands(&printable(text))
}

/// [`printable_lines`] for a log, see [`log`].
pub fn log_lines(text: &str) -> String {
    without_commands(&printable_lines(text))
}

/// `::error::` counts at the beginning of a line, and a line may be wrapped before any word; `##[` and `##vso[` count anywhere.
fn without_commands(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        shown.push(c);
        before = match text.get(at + c.len_utf8()..) {
            Some(rest) if begins_command(before, c, rest) => {
                shown.push(' ');
                ' '
            }
            _ => c,
        };
    }
    shown
}

fn begins_command(before: char, c: char, rest: &str) -> bool {
    match c {
        ':' => before.is_whitespace() && rest.starts_with(':'),
        '#' => rest
            .strip_prefix('#')
            .is_some_and(|rest| rest.trim_start_matches(|c: char| c.is_ascii_alphabetic()).starts_with('[')),
        _ => false,
    }
}

/// Text inside a line of Markdown, or in a cell of one of its tables.
pub fn markdown(text: &str) -> String {
    log(text).chars().fold(String::with_capacity(text.len()), |mut shown, c| {
        if "\\`*_[]<>&|~#$!@".contains(c) {
            shown.push('\\');
        }
        shown.push(c);
        shown
    })
}

/// A span of code in a line of Markdown (not in a table: there a `|` inside of code would end the cell).
pub fn markdown_code(text: &str) -> String {
    let text = log(text);
    let ticks = "`".repeat(longest_run(&text) + 1);
    let edge = |c: Option<char>| c.is_none_or(|c| c == '`' || c == ' ');
    let space = if edge(text.chars().next()) || edge(text.chars().last()) { " " } else { "" };
    format!("{ticks}{space}{text}{space}{ticks}")
}

/// A block of code in Markdown, which nothing inside of it can end.
pub fn markdown_block(text: &str, language: &str) -> String {
    let text = log_lines(text);
    let fence = "`".repeat((longest_run(&text) + 1).max(3));
    format!("{fence}{language}\n{}\n{fence}\n", text.trim_end_matches('\n'))
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

/// A cell of a spreadsheet: never a formula.
pub fn cell(text: &str) -> String {
    let text = log(text);
    let formula = ['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠'];
    if text.trim_start().starts_with(formula) { format!("'{text}") } else { text }
}

/// JSON whose text shows itself and holds no command of a CI service, and which says the same as before.
pub fn json(json: &str) -> String {
    // Outside of strings JSON has neither of these characters.
    let mut units = [0; 2];
    json.replace("##", "#\\u0023").chars().fold(String::with_capacity(json.len()), |mut shown, c| {
        if c != '\n' && is_treacherous(c) {
            for unit in c.encode_utf16(&mut units) {
                shown.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            shown.push(c);
        }
        shown
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_hides_or_reorders_is_shown() {
        assert_eq!(printable("plain \"ünï\" 中 \\ '"), "plain \"ünï\" 中 \\ '");
        assert_eq!(printable("\0\x1b[2J\n\r\t\x7f"), r"\u{0}\u{1b}[2J\n\r\t\u{7f}");
        assert_eq!(printable("\u{85}\u{9b}\u{202e}\u{2066}\u{200b}"), r"\u{85}\u{9b}\u{202e}\u{2066}\u{200b}");
        assert_eq!(printable("\u{2028}\u{2029}\u{feff}\u{ffff}"), r"\u{2028}\u{2029}\u{feff}\u{ffff}");
        assert_eq!(printable("\u{e0041}\u{10ffff}"), "\\u{e0041}\u{10ffff}");
        for c in (0..=0x1fu32).chain(0x7f..=0x9f).chain(0x202a..=0x202e).chain(0x2066..=0x2069) {
            let c = char::from_u32(c).unwrap();
            assert!(!printable(&c.to_string()).contains(c), "{c:?}");
            assert_eq!(printable_lines(&c.to_string()).contains(c), c == '\n' || c == '\t', "{c:?}");
        }
        assert_eq!(printable_lines("a\r\nb\rc\td\n"), "a\nb\\rc\td\n");
    }

    #[test]
    fn a_log_gets_no_commands() {
        assert_eq!(log("::error::x"), ": :error::x");
        assert_eq!(log_lines("a\n  ::error::x std::y\n\t::z"), "a\n  : :error::x std::y\n\t: :z");
        assert_eq!(log("a ::stop-commands::"), "a : :stop-commands::");
        assert_eq!(log("::::a::b"), ": : : :a::b");
        for (command, shown) in [
            ("##[error]x", "# #[error]x"),
            ("a##vso[x]", "a# #vso[x]"),
            ("##TeamCity[x", "# #TeamCity[x"),
            ("###[x", "## #[x"),
            ("a ## b[", "a ## b["),
            ("##", "##"),
        ] {
            assert_eq!(log(command), shown);
        }
    }

    #[test]
    fn markdown_shows_its_marks() {
        assert_eq!(markdown("a*b_c`d|e\\|<b>[x](y)\n# @me"), r"a\*b\_c\`d\|e\\\|\<b\>\[x\](y)\\n\# \@me");
        assert_eq!(markdown_code("a"), "`a`");
        assert_eq!(markdown_code("`a``b"), "``` `a``b ```");
        assert_eq!(markdown_code(""), "`  `");
        assert_eq!(markdown_block("a\n", "c"), "```c\na\n```\n");
        assert_eq!(markdown_block("````\n<script>\n```", ""), "`````\n````\n<script>\n```\n`````\n");
    }

    #[test]
    fn a_cell_is_no_formula() {
        for (text, shown) in [
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@x", "'@x"),
            ("  =1", "'  =1"),
            ("\t=1", "\\t=1"),
            ("\r=1", "\\r=1"),
            ("＝1", "'＝1"),
            ("::a=1", ": :a=1"),
            ("", ""),
        ] {
            assert_eq!(cell(text), shown);
        }
    }

    #[test]
    fn json_keeps_its_meaning() {
        let text = "\0\x1b\u{9b}\u{7f}\u{202e}\u{e0041} ##[error]# ###### \\## \"";
        let plain = serde_json::to_string(text).unwrap();
        let shown = json(&plain);
        assert!(shown.chars().all(|c| !is_treacherous(c)), "{shown}");
        assert!(!shown.contains("##"));
        assert_eq!(serde_json::from_str::<String>(&shown).unwrap(), text);
    }
}
