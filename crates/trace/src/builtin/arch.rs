//! What depends on the machine: its registers. All else is the same by PTRACE_GET_SYSCALL_INFO.
#![expect(unsafe_code, reason = "reads and writes the registers of a traced thread")]

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
compile_error!("the built-in tracer does not know the registers of this architecture: add them to builtin/arch.rs");

use std::io;
use std::mem::{MaybeUninit, size_of_val};
use std::ptr::without_provenance_mut;

use nix::errno::Errno;

use super::kernel::{Request, Tid};

/// What a filter of system calls gives as the architecture of this machine's own calls; `AUDIT_ARCH_X86_64`.
#[cfg(target_arch = "x86_64")]
pub const NATIVE: u32 = 0xc000_003e;
/// What a filter of system calls gives as the architecture of this machine's own calls; `AUDIT_ARCH_AARCH64`.
#[cfg(target_arch = "aarch64")]
pub const NATIVE: u32 = 0xc000_00b7;

/// Numbers from here on belong to another set of calls (x32) of the same architecture.
#[cfg(target_arch = "x86_64")]
pub const FOREIGN_FROM: Option<u32> = Some(0x4000_0000);
/// Numbers from here on belong to another set of calls of the same architecture.
#[cfg(target_arch = "aarch64")]
pub const FOREIGN_FROM: Option<u32> = None;

/// The set of general registers.
const NT_PRSTATUS: i32 = 1;

/// The general registers of a thread.
#[derive(Clone, Copy)]
pub struct Registers(libc::user_regs_struct);

impl std::fmt::Debug for Registers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Registers")
    }
}

impl Registers {
    /// Those of a stopped thread.
    pub fn of(tid: Tid) -> io::Result<Self> {
        let mut registers = MaybeUninit::<libc::user_regs_struct>::uninit();
        get(tid, NT_PRSTATUS, &mut registers)?;
        // SAFETY: the kernel has written all of it: the thread runs code of this architecture, or its call would not have passed for one.
        Ok(Self(unsafe { registers.assume_init() }))
    }

    /// The same after a system call that gave `result`.
    pub fn with_result(self, result: i64) -> Self {
        let mut registers = self.0;
        #[cfg(target_arch = "x86_64")]
        {
            registers.rax = result.cast_unsigned();
        }
        #[cfg(target_arch = "aarch64")]
        {
            registers.regs[0] = result.cast_unsigned();
        }
        Self(registers)
    }

    /// Gives them to a stopped thread.
    pub fn set(mut self, tid: Tid) -> io::Result<()> {
        set(tid, NT_PRSTATUS, &mut self.0)
    }
}

/// Registers of a thread where a function begins, and where it has returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// Where it stands.
    pub instruction: u64,
    /// The top of its stack.
    pub stack: u64,
    /// The first argument.
    pub first: u64,
    /// The second argument.
    pub second: u64,
    /// The result.
    pub result: u64,
}

#[cfg(target_arch = "x86_64")]
impl Registers {
    /// As a call; `None` on machines without sampling of calls.
    pub fn call(&self) -> Option<Call> {
        let libc::user_regs_struct { rip, rsp, rdi, rsi, rax, .. } = self.0;
        Some(Call { instruction: rip, stack: rsp, first: rdi, second: rsi, result: rax })
    }
}

#[cfg(not(target_arch = "x86_64"))]
impl Registers {
    /// As a call; `None` on machines without sampling of calls.
    pub fn call(&self) -> Option<Call> {
        None
    }
}

/// Has the processor stop a thread before it runs any of these instructions, four at most, and before no others.
#[cfg(target_arch = "x86_64")]
pub fn stop_at(tid: Tid, places: &[u64]) -> io::Result<()> {
    let register = |number: usize| std::mem::offset_of!(libc::user, u_debugreg) + number * 8;
    let poke = |number: usize, value: u64| {
        let place = without_provenance_mut::<libc::c_void>(register(number));
        let value = without_provenance_mut::<libc::c_void>(usize::try_from(value).unwrap_or(0));
        // SAFETY: the request takes no pointers.
        Errno::result(unsafe { libc::ptrace(libc::PTRACE_POKEUSER, tid, place, value) }).map(drop)
    };
    poke(7, 0)?;
    for (number, place) in places.iter().take(4).enumerate() {
        poke(number, *place)?;
    }
    // One bit for each, two apart; they are set for this thread alone.
    let control = (0..places.len().min(4)).fold(0, |control, number| control | 1 << (2 * number));
    if control == 0 {
        return Ok(());
    }
    Ok(poke(7, control)?)
}

/// Has the processor stop a thread before it runs any of these instructions, four at most, and before no others.
#[cfg(not(target_arch = "x86_64"))]
pub fn stop_at(_tid: Tid, _places: &[u64]) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Keeps the kernel from making the call that a thread is about to make: it answers with `result`.
pub fn skip_call(tid: Tid, result: i64) -> io::Result<()> {
    replace_call(tid, Registers::of(tid)?.with_result(result), -1, None)
}

/// Has the kernel make another call than the one that a thread is about to make, which has these registers.
pub fn make_call(tid: Tid, registers: Registers, number: i64, arguments: [u64; 3]) -> io::Result<()> {
    replace_call(tid, registers, number, Some(arguments))
}

#[cfg(target_arch = "x86_64")]
fn replace_call(tid: Tid, registers: Registers, number: i64, arguments: Option<[u64; 3]>) -> io::Result<()> {
    let mut registers = registers.0;
    registers.orig_rax = number.cast_unsigned();
    if let Some([first, second, third]) = arguments {
        (registers.rdi, registers.rsi, registers.rdx) = (first, second, third);
    }
    set(tid, NT_PRSTATUS, &mut registers)
}

#[cfg(target_arch = "aarch64")]
fn replace_call(tid: Tid, registers: Registers, number: i64, arguments: Option<[u64; 3]>) -> io::Result<()> {
    const NT_ARM_SYSTEM_CALL: i32 = 0x404;
    let mut registers = registers.0;
    if let Some(arguments) = arguments {
        registers.regs[..3].copy_from_slice(&arguments);
    }
    set(tid, NT_PRSTATUS, &mut registers)?;
    let mut number = i32::try_from(number).unwrap_or(-1);
    set(tid, NT_ARM_SYSTEM_CALL, &mut number)
}

fn get<T>(tid: Tid, set: i32, registers: &mut MaybeUninit<T>) -> io::Result<()> {
    request(libc::PTRACE_GETREGSET, tid, set, registers)
}

fn set<T>(tid: Tid, set: i32, registers: &mut T) -> io::Result<()> {
    request(libc::PTRACE_SETREGSET, tid, set, registers)
}

fn request<T>(request: Request, tid: Tid, set: i32, registers: &mut T) -> io::Result<()> {
    let mut list = libc::iovec { iov_base: (&raw mut *registers).cast(), iov_len: size_of_val(registers) };
    let set = without_provenance_mut::<libc::c_void>(usize::try_from(set).unwrap_or(0));
    // SAFETY: the kernel reads or writes at most as many bytes as the list says.
    let result = unsafe { libc::ptrace(request, tid, set, &raw mut list) };
    Errno::result(result).map(drop).map_err(Into::into)
}
