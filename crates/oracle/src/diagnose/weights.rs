//! The bounds of the search for mistakes, and what speaks for and against a set of them.

/// Mistakes that are looked for at the same time, at most.
pub const MOST_MISTAKES: usize = 4;
/// Sets that are kept for the next round.
pub const BEAM: usize = 8;
/// Causes that may be named for one mistake; where more explain as much, none is.
pub const MOST_ALTERNATIVES: usize = 3;
/// A run of more steps is looked at only for the sets that are left in the end.
pub const LONG: usize = 150;
/// Failing runs that decide whether a mistake is worth a closer look.
pub const GLANCE: usize = 6;

/// The value of a failing run that is explained by damage, if that is certain; one explained to its end has the value 1.
pub const BY_DAMAGE: f64 = 0.5;
/// The value of a failing run of which the first wrong call is explained, and hardly more.
pub const BEGUN: f64 = 0.05;
/// The value of one that is explained nearly to its end, beyond that.
pub const ALMOST: f64 = 0.25;
/// The cost of a failing run that would have failed before it did, or otherwise.
pub const TOO_EARLY: f64 = 0.5;
/// A mistake among others that is shown by damage alone is named if one in this number of failing runs shows it.
pub const BY_DAMAGE_ALONE: usize = 4;
/// Failing runs from which on more is demanded of an explanation.
pub const MANY: usize = 5;
/// Part of fewer runs that one mistake must explain to be named: one in two.
pub const ENOUGH: [usize; 2] = [2, 1];
/// Part of as many, and of any number for several mistakes together: three in five.
pub const ENOUGH_OF_MANY: [usize; 2] = [5, 3];
/// A set that is named explains this many times the runs that speak against it.
pub const TOLERANCE: usize = 8;
/// The cost of a passing run that should have failed.
pub const CONTRADICTED: f64 = 1.0;
/// The cost of a passing run in which memory would have been destroyed, without any or with some consequence.
pub const HARMLESS: [f64; 2] = [0.03, 0.3];
/// The cost of each mistake beyond the first.
pub const ANOTHER: f64 = 0.35;
/// The cost of another reading of an open point, where that is no mistake.
pub const READING: f64 = 0.1;
/// The value of a failing run that a cause without a rule explains: it tells no more than how the run ended.
pub const GENERAL: f64 = 0.4;
/// A set must be worth this much.
pub const WORTH: f64 = 0.35;
/// Values that differ by less are equal.
pub const EQUAL: f64 = 0.05;
