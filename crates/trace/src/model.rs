//! A trace as values. Owns the vocabulary; how it is written stands in [`crate::text`].

/// What a program asked of the allocator, what the allocator asked of the kernel, and how the program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// In order of entry.
    pub entries: Vec<Entry>,
    /// How the process ended.
    pub end: End,
}

/// One step of the program that matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// An outermost call of one of the four functions.
    Call(Call),
    /// The program itself, outside any call, moved the break (R16).
    Program(BreakMove),
}

/// A successful `brk` that changed the break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakMove {
    /// The break asked for.
    pub to: Place,
    /// The break afterwards.
    pub result: Place,
}

/// One `os_*` call with the system calls that its thread made inside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The function and its arguments.
    pub request: Request,
    /// System calls and signals inside the call, in order.
    pub events: Vec<Event>,
    /// What the call gave back.
    pub result: Outcome,
}

/// The four functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Function {
    /// `os_malloc`
    Malloc,
    /// `os_calloc`
    Calloc,
    /// `os_realloc`
    Realloc,
    /// `os_free`
    Free,
}

/// A function with its arguments; sizes in bytes, pointers as places (as plain addresses before they are labelled).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the fields are the C parameters of the same names")]
pub enum Request<P = Place> {
    /// `os_malloc(size)`
    Malloc { size: u64 },
    /// `os_calloc(nmemb, size)`
    Calloc { nmemb: u64, size: u64 },
    /// `os_realloc(pointer, size)`
    Realloc { pointer: P, size: u64 },
    /// `os_free(pointer)`
    Free { pointer: P },
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It returned; `None` for `os_free`, which gives nothing back.
    Returned(Option<Place>),
    /// It never returned: the process ended, or was stopped, inside.
    Never,
}

/// Something that happened inside a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A request to move the break. A refusal answers with the break as it was.
    Brk {
        /// The break asked for.
        to: Place,
        /// The break afterwards.
        result: Answer,
    },
    /// A new mapping.
    Mmap {
        /// The address asked for, usually NULL.
        address: Place,
        /// In bytes, as asked for.
        length: u64,
        /// As strace writes it: `PROT_READ|PROT_WRITE`.
        protection: String,
        /// As strace writes it: `MAP_PRIVATE|MAP_ANONYMOUS`, without those that do not change what is mapped (O8).
        flags: String,
        /// -1 where the mapping is anonymous (O8).
        descriptor: i64,
        /// 0 where the mapping is anonymous (O8).
        offset: u64,
        /// The mapping's start.
        result: Answer,
    },
    /// The end of a mapping.
    Munmap {
        /// Where.
        address: Place,
        /// In bytes, as asked for.
        length: u64,
        /// 0 where it went well.
        result: Answer,
    },
    /// Any other traced system call (mremap, madvise, write, …).
    Other {
        /// The system call.
        name: String,
        /// As strace writes them, addresses replaced by places.
        arguments: String,
        /// What the kernel answered.
        result: Answer,
    },
    /// A signal reached the thread.
    Signal {
        /// `SIGSEGV` and the like.
        name: String,
    },
}

/// The kernel's answer to a system call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// An address.
    Place(Place),
    /// A number.
    Number(i64),
    /// The id of a process or thread, which differs from run to run.
    Process,
    /// An error by its name, `ENOMEM`.
    Failed(String),
    /// None: the process ended inside the system call.
    Never,
}

/// An address by its meaning, the same in every run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// The null pointer.
    Null,
    /// Bytes above the break as it was before the first move of the break inside a call.
    Heap(u64),
    /// In a mapping made inside a call.
    Map {
        /// 1 for the first mapping of the run; a re-used address gets a new number.
        number: u32,
        /// Bytes above the mapping's start.
        offset: u64,
    },
    /// Anywhere else.
    Foreign,
}

/// How the process ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It exited with this status, 0 to 255.
    Exit(i32),
    /// A signal (`SIGSEGV`) killed it.
    Killed(String),
}

impl Event {
    /// Whether it only writes to standard output or standard error.
    pub fn is_output(&self) -> bool {
        matches!(self, Self::Other { name, arguments, .. }
            if &**name == "write" && ["1, ", "2, "].iter().any(|descriptor| arguments.starts_with(descriptor)))
    }
}

impl Trace {
    /// The same without what was written to standard output and standard error inside calls.
    #[must_use]
    pub fn without_output(&self) -> Self {
        let mut trace = self.clone();
        for entry in &mut trace.entries {
            if let Entry::Call(call) = entry {
                call.events.retain(|event| !event.is_output());
            }
        }
        trace
    }

    /// The calls, without what the program did between them.
    pub fn calls(&self) -> impl Iterator<Item = &Call> {
        self.entries.iter().filter_map(|entry| match entry {
            Entry::Call(call) => Some(call),
            Entry::Program(_) => None,
        })
    }
}

impl<P> Request<P> {
    /// The same request with its pointer, if it has one, seen through `see`.
    pub fn map<Q>(self, see: impl FnOnce(P) -> Q) -> Request<Q> {
        match self {
            Self::Malloc { size } => Request::Malloc { size },
            Self::Calloc { nmemb, size } => Request::Calloc { nmemb, size },
            Self::Realloc { pointer, size } => Request::Realloc { pointer: see(pointer), size },
            Self::Free { pointer } => Request::Free { pointer: see(pointer) },
        }
    }

    /// Which function is called.
    pub fn function(&self) -> Function {
        match self {
            Self::Malloc { .. } => Function::Malloc,
            Self::Calloc { .. } => Function::Calloc,
            Self::Realloc { .. } => Function::Realloc,
            Self::Free { .. } => Function::Free,
        }
    }
}

impl Function {
    /// All four, in the order of the header file.
    pub const ALL: [Self; 4] = [Self::Malloc, Self::Calloc, Self::Realloc, Self::Free];

    /// The C name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Malloc => "os_malloc",
            Self::Calloc => "os_calloc",
            Self::Realloc => "os_realloc",
            Self::Free => "os_free",
        }
    }

    /// The function of that C name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|function| function.name() == name)
    }
}
