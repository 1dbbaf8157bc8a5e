//! Pictures of a heap: rows of blocks, call by call, drawn as text, SVG and HTML.
//!
//! A [`Picture`](run::Picture) holds a run: the row before its first call, and for each call how the row changes. All formats draw it.
//! The crate knows nothing of traces and of the contract: `cli` fills the picture from them.
//!
//! # The modules, bottom first
//!
//! A module imports only from those above it in this table.
//!
//! | module | owns |
//! |---|---|
//! | [`row`] | a row of pieces: blocks, free memory, mappings; the change from one row to the next |
//! | [`run`] | a run of calls, each with its change; the scene of one call |
//! | [`axis`] | the columns of a scene: the same place for the same address in all its rows |
//! | [`text`] | a scene for terminals |
//! | [`svg`] | a scene for documents |
//! | [`timeline`] | a whole run for documents: address over call number |
//! | [`curves`] | figures over the calls of a run, for documents |
//! | [`html`] | a whole run as a page that steps through it |

// The blank lines keep rustfmt from sorting them.

pub mod row;

pub mod run;

pub mod axis;

pub mod text;

pub mod svg;

pub mod timeline;

pub mod curves;

pub mod html;
