//! What the programs of these tests are run by.

#![expect(clippy::expect_used, reason = "a panic here is the report")]

use std::sync::Arc;

use osmem_trace::run::Tracer;
use osmem_trace::{Builtin, Strace};

/// Every tracer that works here, strace first.
pub fn tracers() -> Vec<Arc<dyn Tracer>> {
    let mut tracers: Vec<Arc<dyn Tracer>> = vec![Arc::new(Strace::find().expect("strace is installed"))];
    match Builtin::find() {
        Ok(builtin) => tracers.push(Arc::new(builtin)),
        Err(error) => println!("only with strace: {error}"),
    }
    tracers
}
