//! The allocator's contract (`docs/contract.md`) as an executable model.
//!
//! It says what each call must give back, which system calls it must make and what the heap is like afterwards; it follows runs
//! that were seen, and says which rule a call breaks; and it tells a likely cause, by trying which mistake explains the runs.
//! It is made to be read: a vector of blocks, linear scans, one method per rule, the rule's number at each decision. It knows
//! nothing of processes and shares no code with the allocator.
//!
//! ```
//! use osmem_oracle::call::{Granting, Request, System};
//! use osmem_oracle::model::Model;
//! use osmem_oracle::params::{HEAP, Params};
//!
//! let mut model = Model::contract(Params::CONTRACT, HEAP);
//! let mut asked = Vec::new();
//! let payload = model.call(Request::Malloc { size: 1000 }, &mut Granting::new(), &mut asked);
//! assert_eq!(payload, HEAP + 32);
//! assert_eq!(asked, [System::Brk { to: HEAP + 131_072, now: HEAP + 131_072 }]); // R4
//! ```
//!
//! # The modules, bottom first
//!
//! A module imports only from those above it in this table.
//!
//! | module | owns |
//! |---|---|
//! | [`params`] | header, alignment, preallocation, thresholds, page: the numbers of the contract |
//! | [`call`] | calls and system calls; the kernel that answers: one that grants, one that repeats what was seen |
//! | [`readings`] | the open points and their readings |
//! | [`heap`] | the state: blocks, mappings, the break |
//! | [`cx`] | the heap and the kernel during one call |
//! | [`run`] | a run as it was seen, and how it ended |
//! | [`rules`] | the contract: one method per decision |
//! | [`model`] | an allocator: rules with a state |
//! | [`program`] | programs of calls over slots, and what they must do |
//! | [`valid`] | which programs pass only valid pointers |
//! | [`random`] | random programs with a liking for edges |
//! | [`shrink`] | a program made as short as can be |
//! | [`symptom`] | how a call differs from what it must be, and the rule that it breaks |
//! | [`follow`] | a run followed call by call, on every reading that is right; after a divergence it goes on |
//! | [`causes`] | the closed list of mistakes, in words |
//! | [`hypotheses`] | the contract with one rule changed, for each of them |
//! | [`infer`] | what an allocator seems to count with, and how it reads open points |
//! | [`explain`] | how far an allocator with mistakes explains a run |
//! | [`diagnose`] | which mistakes explain the runs best |

// The blank lines keep rustfmt from sorting them.

pub mod params;

pub mod call;

pub mod readings;

pub mod heap;

pub mod cx;

pub mod run;

pub mod rules;

pub mod model;

pub mod program;

pub mod valid;

pub mod random;

pub mod shrink;

pub mod symptom;

mod resync;

pub mod follow;

pub mod causes;

pub mod hypotheses;

pub mod infer;

pub mod explain;

pub mod diagnose;
