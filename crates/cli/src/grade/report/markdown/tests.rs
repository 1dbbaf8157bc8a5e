use super::*;
use crate::grade::report::fixture::{HOSTILE, cause, counterexample, difference, filled, mistake, submission, test};
use crate::grade::report::visible;

#[test]
fn a_small_page_word_for_word() {
    let mut failed = test("b_c|d", Outcome::Wrong);
    failed.difference = Some(difference());
    failed.causes = vec![cause("first-fit")];
    failed.output = Some("```\n".to_owned());
    let mut record = submission("anna", vec![test("a", Outcome::Pass), failed, test("c", Outcome::Crash)]);
    record.tests[2].hidden = true;
    record.counterexample = Some(counterexample());
    if let Some(build) = &mut record.build {
        build.log = "a.c:1: warning\n".to_owned();
    }
    let sides = "    expected                 │ actual
    os_malloc(8) = HEAP+0x20 │ os_malloc(8) = HEAP+0x20
  ~ os_malloc(8) = HEAP+0x48 │ os_malloc(8) = NULL
  - exit 0                   │";
    let expected = format!(
        "# Report for `anna`

**Course:** OS 1

**Score:** 2 of 6 points

**Result:** crash, ended by a signal

**Why:** 2 of 3 tests did not pass

**Search by random programs:** clean


## What is likely wrong

**Likely cause:** first-fit (R5, shown by 2 of 3 failing runs). What first-fit is.


## Tests

| theme | tests | points |
|---|---|---:|
| split | ●✗ | 2 of 4 |
| hidden tests | ✗ | 0 of 2 |

<details><summary>The shortest program that shows a mistake</summary>

**Mistake:** os\\_malloc(8) gives NULL (1 call)

```c
int main(void) {{
    os_malloc(8);
}}
```

```text
{sides}
```

**Likely cause:** wrong-null (R5, shown by 2 of 3 failing runs). What wrong-null is.

</details>

<details><summary>Tests that did not pass, in full</summary>

### `b_c|d`: wrong, 0 of 2

**Test:** Splits the first block

**Why:** the trace differs

```text
{sides}
```

**Likely cause:** first-fit (R5, shown by 2 of 3 failing runs). What first-fit is.

**Rule:** R6 split. If at least header + 8 bytes remain, they become a free block right behind; otherwise the whole block is given.

**Hint:** Look at the remainder

**Output:**

````text
```
````

</details>

<details><summary>Every test and its points</summary>

| test | outcome | points |
|---|---|---:|
| a | pass | 2 of 2 |
| b\\_c\\|d | wrong | 0 of 2 |
| hidden test 1 | crash | 0 of 2 |

</details>

<details><summary>How the library behaves</summary>

**Library:** The header has 32 bytes.

</details>

<details><summary>Build</summary>

**Command:** `cc a.c`

```text
a.c:1: warning
```

</details>

<details><summary>The box</summary>

**Tier:** landlock. It could not write.

**Watched by:** strace 6.1

</details>

---

Made by osmem 0.1.0, submission `aa`
"
    );
    assert_eq!(page(&visible(&record)), expected);
}

#[test]
fn a_mistake_comes_first_and_links_to_its_drawing() {
    let mut record = submission("anna", vec![test("a", Outcome::Wrong)]);
    record.mistakes = vec![mistake("first-fit", "a", "b2 = os_malloc(96)")];
    let text = page(&visible(&record));
    let at = |part: &str| text.find(part).unwrap_or_else(|| panic!("{part} is not in {text}"));
    let drawing = "![The heap before and behind this call](mistake-1.svg)";
    assert!(at("first-fit (R5") < at(drawing) && at(drawing) < at("## Tests"), "{text}");
    assert_eq!(text.matches("first-fit (R5").count(), 1, "{text}");
}

#[test]
fn hostile_text_is_neither_mark_nor_html() {
    let text = page(&filled(HOSTILE));
    assert!(text.chars().all(|c| matches!(c, '\n' | '\t') || !c.is_control()), "{text:?}");
    assert!(!text.contains(['\u{202e}', '\u{200b}', '\u{2028}']));
    let mut fence = None;
    for line in text.lines() {
        let ticks = line.chars().take_while(|c| *c == '`').count();
        match fence {
            Some(open) if ticks >= open => fence = None,
            Some(_) => {}
            None if ticks >= 3 => fence = Some(ticks),
            None => {
                assert!(
                    line.is_empty()
                        || line.starts_with(['#', '*', '|', '-', '(', 'M', '!'])
                        || line.starts_with("<details><summary>")
                        || line == "</details>",
                    "{line}"
                );
                let spans = line.split("``````").step_by(2).collect::<String>();
                assert!(!spans.contains("<script") || spans.contains("\\<script"), "{line}");
            }
        }
    }
    assert_eq!(fence, None, "every fence is closed");
}
