//! Says which coroutine overflowed its stack, and what to raise, before the process ends.
//!
//! `generator` has a handler of its own, which leaves the coroutine without unwinding it: locks stay held and
//! the process may hang. Ours replaces it. Faults that are not a coroutine's overflow go to the handler that was
//! there before, which on a plain thread is std's.

use std::fmt::{self, Write};
use std::io;
use std::sync::OnceLock;

use crate::coroutine::current_for_signal_handler;

/// Where a coroutine's stack is, as far as it can be known without asking `generator`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StackBounds {
    /// An address in one of the outermost frames.
    pub(crate) start: usize,
    /// Usable bytes, from the top of the stack down to the guard page.
    pub(crate) size: usize,
}

const PAGE: usize = 4096;

impl StackBounds {
    /// Whether a fault at this address is an overflow.
    ///
    /// The top of the stack lies at `start` or above, so everything from `start` down to the guard page is within
    /// these bounds. All of it can be read and written except the guard page: that is where the fault is.
    fn is_guard(&self, address: usize) -> bool {
        address < self.start && address >= self.start.saturating_sub(self.size + PAGE)
    }
}

/// Bytes of the alternative stack on which the handler runs.
const HANDLER_STACK: usize = 64 * 1024;

struct Previous([libc::sigaction; 2]);

// SAFETY: a sigaction is plain data: an address, a mask and flags.
unsafe impl Send for Previous {}
// SAFETY: as above; it is never written after it was stored.
unsafe impl Sync for Previous {}

static PREVIOUS: OnceLock<Previous> = OnceLock::new();
const SIGNALS: [libc::c_int; 2] = [libc::SIGSEGV, libc::SIGBUS];

/// Remembers the handlers in place; to be called before `may` installs those of `generator`.
pub(crate) fn remember_handlers() {
    PREVIOUS.get_or_init(|| {
        // SAFETY: all-zero bytes are a valid sigaction.
        let mut actions: [libc::sigaction; 2] = unsafe { std::mem::zeroed() };
        for (signal, action) in SIGNALS.into_iter().zip(&mut actions) {
            // SAFETY: no new action is given, `action` is valid to write to.
            unsafe { libc::sigaction(signal, std::ptr::null(), action) };
        }
        Previous(actions)
    });
}

/// Installs the handler; to be called after the first coroutine, because `generator` installs its own then.
pub(crate) fn install_handler() {
    // SAFETY: all-zero bytes are a valid sigaction.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
    action.sa_sigaction = handler as *const () as libc::sighandler_t;
    for signal in SIGNALS {
        // SAFETY: the handler has the signature that SA_SIGINFO asks for and is async-signal-safe.
        unsafe { libc::sigaction(signal, &raw const action, std::ptr::null_mut()) };
    }
}

/// Gives the calling worker thread a stack to handle the overflow of another stack on.
///
/// std gives its threads one as well, sized for std's own handler.
pub(crate) fn use_alternative_stack() -> io::Result<()> {
    let memory = Box::leak(vec![0u8; HANDLER_STACK].into_boxed_slice());
    let stack = libc::stack_t { ss_sp: memory.as_mut_ptr().cast(), ss_flags: 0, ss_size: memory.len() };
    // SAFETY: the memory is leaked: it stays valid for the life of the thread and is used by nothing else.
    if unsafe { libc::sigaltstack(&raw const stack, std::ptr::null_mut()) } == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

unsafe extern "C" fn handler(signal: libc::c_int, info: *mut libc::siginfo_t, _context: *mut libc::c_void) {
    // SAFETY: the kernel passes a valid siginfo to a SA_SIGINFO handler.
    let address = unsafe { (*info).si_addr() } as usize;
    if let Some((stack, coroutine)) = current_for_signal_handler()
        && stack.is_guard(address)
    {
        // SAFETY: see `current_for_signal_handler`: the coroutine is suspended under this handler.
        let name = unsafe { &*coroutine }.name.as_deref();
        report(name, stack.size);
        // SAFETY: no arguments; ends the process.
        unsafe { libc::abort() };
    }
    // Not a coroutine's overflow: put the earlier handler back and let the instruction fault again.
    let which = usize::from(signal == libc::SIGBUS);
    if let Some(previous) = PREVIOUS.get() {
        // SAFETY: the action was filled in by the kernel.
        unsafe { libc::sigaction(signal, &raw const previous.0[which], std::ptr::null_mut()) };
    }
}

fn report(name: Option<&str>, size: usize) {
    let mut text = Line { bytes: [0; 512], len: 0 };
    let _ = match name {
        Some(name) => write!(text, "\nphoton: coroutine '{name:.100}'"),
        None => write!(text, "\nphoton: an unnamed coroutine"),
    };
    let _ = writeln!(
        text,
        " has overflowed its stack of {size} bytes.\n\
         Raise PHOTON_STACK_SIZE, Settings::stack_size or Builder::stack_size, or bound the recursion; aborting."
    );
    // SAFETY: the buffer is valid for `len` bytes.
    unsafe { libc::write(libc::STDERR_FILENO, text.bytes.as_ptr().cast(), text.len) };
}

/// A formatting target that does not allocate; what does not fit is cut off.
struct Line {
    bytes: [u8; 512],
    len: usize,
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = &mut self.bytes[self.len..];
        let len = text.len().min(room.len());
        room[..len].copy_from_slice(&text.as_bytes()[..len]);
        self.len += len;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_below_the_stack_is_an_overflow() {
        // The stack ends 100 bytes above `start`.
        let (size, top) = (64 * 1024, 0x100_0000);
        let bounds = StackBounds { start: top - 100, size };
        let bottom = top - size;
        assert!(bounds.is_guard(bottom - 1));
        assert!(bounds.is_guard(bottom - PAGE));
        assert!(!bounds.is_guard(bottom - PAGE - 101));
        assert!(!bounds.is_guard(top));
        assert!(!bounds.is_guard(0));
    }

    #[test]
    fn a_message_that_is_too_long_is_cut() {
        let mut line = Line { bytes: [0; 512], len: 500 };
        write!(line, "{}", "x".repeat(100)).unwrap();
        assert_eq!(line.len, 512);
    }
}
