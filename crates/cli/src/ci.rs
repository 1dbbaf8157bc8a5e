//! Whether a service that checks changes runs this command.

use std::env;

/// Whether `CI` is set, and not empty.
pub fn is_set() -> bool {
    env::var_os("CI").is_some_and(|value| !value.is_empty())
}
