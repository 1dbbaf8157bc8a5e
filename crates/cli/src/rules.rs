//! The contract's rules, one sentence each, in words for people. The full text is `docs/contract.md`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One rule of the contract, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Rule(u8);

/// What is not the number of a rule.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown rule \"{0}\": the contract has R1 to R{max}", max = RULES.len())]
pub struct UnknownRule(String);

/// Name and sentence of each rule; R1 comes first.
const RULES: [(&str, &str); 17] = [
    ("zero", "A request for zero bytes returns NULL, makes no system call and keeps errno."),
    ("overflow", "A size that overflows or exceeds PTRDIFF_MAX gives NULL and ENOMEM without a system call."),
    (
        "routing",
        "Header plus aligned size decides: 128 KiB or more (calloc: a page or more) is mapped, anything less comes from the heap.",
    ),
    ("preallocation", "The first heap request, and only that one, moves the break once by exactly 128 KiB."),
    (
        "best fit",
        "Adjacent free blocks are merged before a search; then the smallest free block that fits is taken, the lowest one among equals.",
    ),
    (
        "split",
        "If at least header + 8 bytes remain, they become a free block right behind; otherwise the whole block is given.",
    ),
    (
        "growth",
        "When nothing fits, the break moves once: by the missing bytes if the last block is free, otherwise by header + aligned size.",
    ),
    ("free", "Freeing a heap block makes no system call; freeing a mapped block is one munmap of its whole length."),
    (
        "mapping",
        "A mapped request is one private anonymous mmap of exactly header + aligned size bytes; mremap is never used.",
    ),
    (
        "realloc edges",
        "realloc(NULL, n) is malloc(n), realloc(p, 0) is free(p), and a pointer that is no live block of ours gives NULL and EINVAL.",
    ),
    (
        "heap realloc, smaller",
        "A heap block that shrinks or keeps its size stays where it is, and is split if enough remains.",
    ),
    (
        "heap realloc, larger",
        "A heap block grows in place by moving the break (last block) or by absorbing free followers one at a time; otherwise it moves.",
    ),
    (
        "mapped realloc",
        "A mapped block resized to the size it has stays without a system call; any other size moves it.",
    ),
    (
        "misuse of free",
        "Freeing NULL, a free block or a pointer that is not ours changes nothing and makes no system call.",
    ),
    ("refusal", "When the kernel refuses, the answer is NULL and ENOMEM, and the heap stays as it was and usable."),
    (
        "foreign break",
        "When someone else moved the break, the heap goes on behind it, and never merges or extends across the gap.",
    ),
    (
        "contents",
        "calloc's payload is all zero, realloc keeps the first min(old, new) bytes, and nobody writes into a live payload.",
    ),
];

/// Place in an allocator's code that each rule is about; R1 comes first.
const PLACES: [&str; 17] = [
    "the first lines of os_malloc and os_calloc: a size of 0 is answered before anything else happens",
    "the checks of the size, before the header is added or a product is computed",
    "the comparison that chooses between heap and mapping",
    "the code of the first heap request",
    "the loop of the search, and the merging before it",
    "the function that splits a block: its condition, both sizes, the links on both sides",
    "the code that runs when no free block fits",
    "os_free: the status of the block, and the address and length that munmap gets",
    "the code that makes a mapping: its length and its flags",
    "the first lines of os_realloc: NULL, 0, and a pointer that is no live block",
    "os_realloc where the block is large enough already",
    "os_realloc where the block must grow: at the break, over free blocks behind it, or by moving",
    "os_realloc of a mapped block",
    "the first lines of os_free: NULL, and a pointer that is no live block",
    "the checks of the results of sbrk and mmap",
    "the places that take the break for the end of the last block",
    "the places that write: zeros of os_calloc, the copy of os_realloc, headers",
];

impl Rule {
    /// Every rule, in the order of their numbers.
    #[cfg(test)]
    pub fn all() -> impl Iterator<Item = Self> {
        (1..).zip(RULES).map(|(number, _)| Self(number))
    }

    /// The rule's short name, such as `split`.
    pub fn name(self) -> &'static str {
        self.entry().0
    }

    /// The rule in one sentence.
    pub fn sentence(self) -> &'static str {
        self.entry().1
    }

    /// Returns the place in an allocator's code that the rule is about.
    pub fn place(self) -> &'static str {
        PLACES[usize::from(self.0) - 1]
    }

    fn entry(self) -> (&'static str, &'static str) {
        RULES[usize::from(self.0) - 1]
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "R{}", self.0)
    }
}

impl FromStr for Rule {
    type Err = UnknownRule;

    fn from_str(text: &str) -> Result<Self, UnknownRule> {
        let digits = text.strip_prefix('R').filter(|digits| digits.starts_with(|first| matches!(first, '1'..='9')));
        let number = digits.and_then(|digits| digits.parse().ok()).filter(|number| usize::from(*number) <= RULES.len());
        number.map(Self).ok_or_else(|| UnknownRule(text.to_owned()))
    }
}

impl TryFrom<String> for Rule {
    type Error = UnknownRule;

    fn try_from(text: String) -> Result<Self, UnknownRule> {
        text.parse()
    }
}

impl From<Rule> for String {
    fn from(rule: Rule) -> Self {
        rule.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_reads_back_as_itself() {
        for rule in Rule::all() {
            assert_eq!(rule.to_string().parse(), Ok(rule));
            assert!(rule.sentence().ends_with('.'), "{rule}");
            assert!(!rule.name().is_empty(), "{rule}");
        }
        assert_eq!(Rule::all().last().map(|rule| rule.to_string()).as_deref(), Some("R17"));
    }

    #[test]
    fn anything_else_is_refused_by_name() {
        for text in ["R0", "R18", "r6", "R06", "R6 ", "6", ""] {
            let error = text.parse::<Rule>().unwrap_err();
            assert_eq!(error.to_string(), format!("unknown rule \"{text}\": the contract has R1 to R17"));
        }
    }
}
