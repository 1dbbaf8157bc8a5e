//! Which tracer watches programs: the one that is asked for, otherwise the best that works here.

use std::sync::Arc;

use osmem_trace::builtin::BuiltinError;
use osmem_trace::run::Tracer;
use osmem_trace::strace::StraceError;
use osmem_trace::{Builtin, Strace, Witness};

use crate::args::{TracerArgs, TracerChoice};
use crate::ci;
use crate::error::Error;

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    choice: Option<TracerChoice>,
    default: Preferred,
}

/// The tracer that is used where none is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Preferred {
    /// strace, or else the built-in tracer.
    Strace,
    /// The built-in tracer, or else strace.
    Builtin,
    /// Both, if there is an strace to check the built-in tracer by.
    Both,
}

impl Wanted {
    /// As the command line says.
    pub fn of(args: TracerArgs) -> Self {
        Self { choice: args.tracer, default: Preferred::Strace }
    }

    /// The same for a class: the built-in tracer needs half the time.
    pub fn for_grading(args: TracerArgs) -> Self {
        Self { default: Preferred::Builtin, ..Self::of(args) }
    }

    /// The same for a proof of our own library, which is one of the built-in tracer too where changes are checked.
    pub fn for_proof(args: TracerArgs) -> Self {
        let default = if ci::is_set() { Preferred::Both } else { Preferred::Strace };
        Self { default, ..Self::of(args) }
    }

    /// Finds it. What was chosen is never replaced by something else.
    pub fn witness(self) -> Result<Witness, Error> {
        self.among(
            || Strace::find().map(|found| Arc::new(found) as _),
            || Builtin::find().map(|found| Arc::new(found) as _),
        )
    }

    fn among(
        self,
        strace: impl FnOnce() -> Result<Arc<dyn Tracer>, StraceError>,
        builtin: impl FnOnce() -> Result<Arc<dyn Tracer>, BuiltinError>,
    ) -> Result<Witness, Error> {
        // The built-in tracer comes first of two: what it does not let pass is then told without running it again.
        match self.choice {
            Some(TracerChoice::Strace) => Ok(Witness::one(strace()?)),
            Some(TracerChoice::Builtin) => Ok(Witness::one(builtin()?)),
            Some(TracerChoice::Both) => match (builtin(), strace()) {
                (Ok(builtin), Ok(strace)) => Ok(Witness::both(builtin, strace)),
                (Err(builtin), Err(strace)) => Err(Error::NoTracer { strace, builtin }),
                (Err(builtin), Ok(_)) => Err(builtin.into()),
                (Ok(_), Err(strace)) => Err(strace.into()),
            },
            None if self.default == Preferred::Builtin => match builtin() {
                Ok(builtin) => Ok(Witness::one(builtin)),
                Err(builtin) => strace().map(Witness::one).map_err(|strace| Error::NoTracer { strace, builtin }),
            },
            None => match strace() {
                Ok(strace) if self.default == Preferred::Both => {
                    builtin().map(|builtin| Witness::both(builtin, strace)).map_err(Error::NoProof)
                }
                Ok(strace) => Ok(Witness::one(strace)),
                Err(strace) => builtin().map(Witness::one).map_err(|builtin| Error::NoTracer { strace, builtin }),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use osmem_trace::Spec;
    use osmem_trace::run::{Cancel, Recording, RunError, Watch};

    use super::*;

    #[derive(Debug)]
    struct Named(&'static str);

    impl Tracer for Named {
        fn name(&self) -> String {
            self.0.to_owned()
        }

        fn record(&self, _: &Spec, _: Watch<'_>, _: &Cancel) -> Result<Recording, RunError> {
            Err(StraceError::Missing.into())
        }
    }

    const ALL: [Preferred; 3] = [Preferred::Strace, Preferred::Builtin, Preferred::Both];

    /// The witness's name, or the error, where these tracers work.
    fn chosen(choice: Option<TracerChoice>, default: Preferred, strace: bool, builtin: bool) -> String {
        let strace = || if strace { Ok(Arc::new(Named("strace 6.1")) as _) } else { Err(StraceError::Missing) };
        let unfit = || BuiltinError::Unfit { message: "too old".into() };
        let builtin = || if builtin { Ok(Arc::new(Named("built-in tracer")) as _) } else { Err(unfit()) };
        Wanted { choice, default }
            .among(strace, builtin)
            .map_or_else(|error| error.to_string(), |witness| witness.name())
    }

    #[test]
    fn what_is_chosen_is_taken_or_an_error() {
        use TracerChoice::{Both, Builtin, Strace};
        for default in ALL {
            assert_eq!(chosen(Some(Strace), default, true, true), "strace 6.1");
            assert_eq!(chosen(Some(Builtin), default, true, true), "built-in tracer");
            assert_eq!(chosen(Some(Both), default, true, true), "built-in tracer and strace 6.1");
            for choice in [Strace, Both] {
                assert!(
                    chosen(Some(choice), default, false, true).starts_with("strace is not on the PATH"),
                    "{choice:?}"
                );
            }
            for choice in [Builtin, Both] {
                let error = chosen(Some(choice), default, true, false);
                assert!(error.starts_with("the built-in tracer does not work here: too old"), "{choice:?}: {error}");
            }
            let error = chosen(Some(Both), default, false, false);
            assert!(error.contains("strace is not on the PATH") && error.contains("too old"), "{error}");
        }
    }

    #[test]
    fn without_a_choice_the_best_that_works_is_taken() {
        assert_eq!(chosen(None, Preferred::Strace, true, true), "strace 6.1");
        assert_eq!(chosen(None, Preferred::Strace, true, false), "strace 6.1");
        assert_eq!(chosen(None, Preferred::Builtin, true, true), "built-in tracer");
        assert_eq!(chosen(None, Preferred::Builtin, true, false), "strace 6.1");
        assert_eq!(chosen(None, Preferred::Both, true, true), "built-in tracer and strace 6.1");
        for default in ALL {
            assert_eq!(chosen(None, default, false, true), "built-in tracer");
            let error = chosen(None, default, false, false);
            assert!(error.starts_with("no tracer works here: strace is not on the PATH"), "{error}");
            assert!(error.contains("make deps") && error.contains("the built-in tracer does not work here"), "{error}");
        }
        // A proof by one tracer where two are asked for would be none.
        let error = chosen(None, Preferred::Both, true, false);
        assert!(error.contains("too old") && error.contains("--tracer strace"), "{error}");
    }
}
