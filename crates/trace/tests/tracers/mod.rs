//! What the programs of these tests are run by.

use std::sync::Arc;

use osmem_trace::run::Tracer;
use osmem_trace::{Builtin, Strace};

/// Every tracer that works here, strace first; at least one does.
pub fn tracers() -> Vec<Arc<dyn Tracer>> {
    let mut tracers: Vec<Arc<dyn Tracer>> = Vec::new();
    let mut missing = Vec::new();
    match Strace::find() {
        Ok(strace) => tracers.push(Arc::new(strace)),
        Err(error) => missing.push(error.to_string()),
    }
    match Builtin::find() {
        Ok(builtin) => tracers.push(Arc::new(builtin)),
        Err(error) => missing.push(error.to_string()),
    }
    assert!(!tracers.is_empty(), "no tracer works here: {}", missing.join("; "));
    tracers
}
