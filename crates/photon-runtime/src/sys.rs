//! The system calls that std has no safe face for, each wrapped once. Policy lives elsewhere.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::time::Duration;

/// A file descriptor's number without its ownership, for registering it with `may`'s selector.
#[derive(Debug)]
pub(crate) struct Number(pub(crate) RawFd);

impl AsRawFd for Number {
    fn as_raw_fd(&self) -> RawFd {
        self.0
    }
}

fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

fn owned(result: libc::c_int) -> io::Result<OwnedFd> {
    let fd = check(result)?;
    // SAFETY: every caller passes the result of a system call that has just created this descriptor.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// A counter that becomes readable when [`notify`] adds to it.
pub(crate) fn eventfd() -> io::Result<OwnedFd> {
    // SAFETY: no pointers are involved.
    owned(unsafe { libc::eventfd(0, libc::EFD_NONBLOCK | libc::EFD_CLOEXEC) })
}

/// Adds one to an eventfd. Async-signal-safe.
///
/// The result is ignored: the only failure of a valid eventfd is a counter at its maximum, which is readable.
pub(crate) fn notify(fd: RawFd) {
    let one = 1u64;
    // SAFETY: the buffer is eight readable bytes, which is what an eventfd takes.
    unsafe { libc::write(fd, (&raw const one).cast(), 8) };
}

/// The same for a reader that blocks its thread.
pub(crate) fn blocking_eventfd() -> io::Result<OwnedFd> {
    // SAFETY: no pointers are involved.
    owned(unsafe { libc::eventfd(0, libc::EFD_CLOEXEC) })
}

/// [`notify`] for signal handlers, which must leave the interrupted code's `errno` alone.
pub(crate) fn notify_keeping_errno(fd: RawFd) {
    // SAFETY: the location of the calling thread's errno is always valid.
    let errno = unsafe { *libc::__errno_location() };
    notify(fd);
    // SAFETY: as above.
    unsafe { *libc::__errno_location() = errno };
}

/// Installs a handler for a signal; interrupted system calls are restarted. The handler must be
/// async-signal-safe.
pub(crate) fn handle_signal(signal: libc::c_int, handler: extern "C" fn(libc::c_int)) -> io::Result<()> {
    // SAFETY: all-zero bytes are a valid sigaction.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = handler as *const () as libc::sighandler_t;
    // On the alternative stack: a coroutine's own may be almost used up.
    action.sa_flags = libc::SA_RESTART | libc::SA_ONSTACK;
    // SAFETY: the action is valid and its handler takes one integer, as without SA_SIGINFO it must.
    check(unsafe { libc::sigaction(signal, &raw const action, std::ptr::null_mut()) }).map(|_| ())
}

/// A one-shot timer that becomes readable when it expires.
pub(crate) fn timerfd() -> io::Result<OwnedFd> {
    // SAFETY: no pointers are involved.
    owned(unsafe { libc::timerfd_create(libc::CLOCK_MONOTONIC, libc::TFD_NONBLOCK | libc::TFD_CLOEXEC) })
}

/// Makes the timer expire once, this long from now.
pub(crate) fn set_timerfd(fd: RawFd, after: Duration) {
    let zero = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // A value of zero would disarm the timer instead of firing at once.
    let after = after.max(Duration::from_nanos(1));
    let value = libc::timespec {
        tv_sec: after.as_secs().min(i32::MAX as u64) as libc::time_t,
        tv_nsec: after.subsec_nanos().into(),
    };
    let spec = libc::itimerspec { it_interval: zero, it_value: value };
    // SAFETY: `spec` is a valid itimerspec and the old value is not asked for.
    let result = unsafe { libc::timerfd_settime(fd, 0, &raw const spec, std::ptr::null_mut()) };
    debug_assert_eq!(result, 0, "timerfd_settime: {}", io::Error::last_os_error());
}

/// A duplicate of `fd` at the lowest free number that is at least `min`.
pub(crate) fn duplicate_from(fd: BorrowedFd<'_>, min: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: no pointers are involved.
    owned(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_DUPFD_CLOEXEC, min) })
}

/// A duplicate of a descriptor of which only the number is known. It must be open.
fn duplicate_number(fd: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: no pointers are involved; a number that is not open is an error.
    owned(unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 0) })
}

/// The kernel's id of the calling thread.
///
/// Unlike `std::thread::current().id()` it does not go through thread-local storage, so it tells the truth
/// even while the claim under test is that a coroutine does not change threads.
pub(crate) fn thread_id() -> i32 {
    // SAFETY: no arguments.
    unsafe { libc::gettid() }
}

/// Names the calling thread for `top`, `perf` and debuggers; at most fifteen bytes are kept.
pub(crate) fn name_thread(name: &str) {
    if let Ok(name) = std::ffi::CString::new(name) {
        // SAFETY: PR_SET_NAME reads a terminated string, which `name` is.
        unsafe { libc::prctl(libc::PR_SET_NAME, name.as_ptr()) };
    }
}

/// Blocks the thread until the descriptor is ready for one of `events`, or the time is over.
/// Returns whether it is ready.
pub(crate) fn poll(fd: RawFd, events: libc::c_short, timeout: Duration) -> bool {
    let mut entry = libc::pollfd { fd, events, revents: 0 };
    // Round up: a timeout below one millisecond must not become a busy loop.
    let millis = timeout.as_nanos().div_ceil(1_000_000).min(i32::MAX as u128) as libc::c_int;
    // SAFETY: one valid pollfd.
    unsafe { libc::poll(&raw mut entry, 1, millis) > 0 }
}

/// Blocks the thread until the eventfd was notified, and resets it.
pub(crate) fn read_eventfd(fd: BorrowedFd<'_>) {
    let mut count = 0u64;
    // SAFETY: the buffer is eight writable bytes, which is what an eventfd fills.
    unsafe { libc::read(fd.as_raw_fd(), (&raw mut count).cast(), 8) };
}

/// Takes one connection from the queue of a listening socket, non-blocking and closed on exec.
pub(crate) fn accept(listener: BorrowedFd<'_>) -> io::Result<(OwnedFd, Option<SocketAddr>)> {
    // SAFETY: all-zero bytes are a valid sockaddr_storage.
    let mut address: libc::sockaddr_storage = unsafe { std::mem::zeroed() };
    let mut length = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
    // SAFETY: the address buffer is as long as `length` says, and outlives the call.
    let fd = owned(unsafe {
        libc::accept4(
            listener.as_raw_fd(),
            (&raw mut address).cast(),
            &raw mut length,
            libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC,
        )
    })?;
    Ok((fd, to_std(&address)))
}

/// The peer of an accepted connection, if it has an IP address.
fn to_std(address: &libc::sockaddr_storage) -> Option<SocketAddr> {
    let family = libc::c_int::from(address.ss_family);
    if family == libc::AF_INET6 {
        // SAFETY: the kernel wrote a sockaddr_in6 when the family says so; the storage is large and aligned
        // enough for every address type.
        let v6 = unsafe { &*(&raw const *address).cast::<libc::sockaddr_in6>() };
        let ip = Ipv6Addr::from(v6.sin6_addr.s6_addr);
        let port = u16::from_be(v6.sin6_port);
        Some(SocketAddr::V6(SocketAddrV6::new(ip, port, v6.sin6_flowinfo, v6.sin6_scope_id)))
    } else if family == libc::AF_INET {
        // SAFETY: as above, for sockaddr_in.
        let v4 = unsafe { &*(&raw const *address).cast::<libc::sockaddr_in>() };
        let ip = Ipv4Addr::from(u32::from_be(v4.sin_addr.s_addr));
        Some(SocketAddr::new(IpAddr::V4(ip), u16::from_be(v4.sin_port)))
    } else {
        None
    }
}

/// Has the kernel choose the second of the sockets that share an address for every new connection, as long as there is a
/// second one (`SO_ATTACH_REUSEPORT_CBPF`, socket(7)). They are in the order in which they were bound, and the last one
/// takes the place of one that is closed.
pub(crate) fn prefer_second_in_group(socket: BorrowedFd<'_>) -> io::Result<()> {
    // "Return 1": the index of the socket. One that is out of range leaves the choice to the kernel.
    let mut instruction =
        libc::sock_filter { code: (libc::BPF_RET | libc::BPF_K) as u16, jt: 0, jf: 0, k: 1 };
    let program = libc::sock_fprog { len: 1, filter: &raw mut instruction };
    // SAFETY: the option takes a sock_fprog, whose instruction outlives the call; the kernel copies both.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_ATTACH_REUSEPORT_CBPF,
            (&raw const program).cast(),
            size_of::<libc::sock_fprog>() as libc::socklen_t,
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Undoes [`prefer_second_in_group`] (`SO_DETACH_REUSEPORT_BPF`); an error if there is nothing to undo.
pub(crate) fn forget_preference_in_group(socket: BorrowedFd<'_>) -> io::Result<()> {
    let nothing: libc::c_int = 0;
    // SAFETY: the option takes no value; the kernel reads at most the integer that is given.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_DETACH_REUSEPORT_BPF,
            (&raw const nothing).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// A set of descriptors to wait for.
pub(crate) fn epoll() -> io::Result<OwnedFd> {
    // SAFETY: no pointers are involved.
    owned(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })
}

/// Whatever happens to a descriptor, told once.
pub(crate) const WHATEVER_ONCE: libc::c_int =
    libc::EPOLLIN | libc::EPOLLOUT | libc::EPOLLRDHUP | libc::EPOLLET;

/// That there is something to read, told for as long as there is.
pub(crate) const READABLE: libc::c_int = libc::EPOLLIN;

/// Adds a descriptor to the set, whose events are told with this number.
pub(crate) fn epoll_add(
    epoll: BorrowedFd<'_>,
    fd: BorrowedFd<'_>,
    events: libc::c_int,
    number: u64,
) -> io::Result<()> {
    let mut event = libc::epoll_event { events: events as u32, u64: number };
    // SAFETY: one valid epoll_event, which the kernel copies.
    let result =
        unsafe { libc::epoll_ctl(epoll.as_raw_fd(), libc::EPOLL_CTL_ADD, fd.as_raw_fd(), &raw mut event) };
    check(result).map(|_| ())
}

/// Takes a descriptor out of the set; nothing happens if it is not in it.
pub(crate) fn epoll_remove(epoll: BorrowedFd<'_>, fd: BorrowedFd<'_>) {
    let nothing = std::ptr::null_mut();
    // SAFETY: the kernel reads no event when it removes a descriptor.
    unsafe { libc::epoll_ctl(epoll.as_raw_fd(), libc::EPOLL_CTL_DEL, fd.as_raw_fd(), nothing) };
}

/// Fills the buffer with what has happened to the set, and says how much that is. If nothing has, it blocks the thread
/// until something does, or does not wait.
pub(crate) fn epoll_events(epoll: BorrowedFd<'_>, events: &mut [libc::epoll_event], block: bool) -> usize {
    let room = libc::c_int::try_from(events.len()).unwrap_or(libc::c_int::MAX);
    let timeout = if block { -1 } else { 0 };
    // SAFETY: the buffer has room for as many events as is said.
    let count = unsafe { libc::epoll_wait(epoll.as_raw_fd(), events.as_mut_ptr(), room, timeout) };
    // An interrupted call has taken nothing, and a set that is valid has no other error.
    usize::try_from(count).unwrap_or(0)
}

/// A duplicate of the epoll descriptor that watches `fd`, by `proc_pid_fdinfo(5)`.
pub(crate) fn epoll_watching(fd: RawFd) -> io::Result<OwnedFd> {
    for entry in std::fs::read_dir("/proc/self/fdinfo")? {
        let name = entry?.file_name();
        let Some(candidate) = name.to_str().and_then(|name| name.parse().ok()) else { continue };
        // It may be closed by now.
        let Ok(info) = std::fs::read_to_string(format!("/proc/self/fdinfo/{candidate}")) else { continue };
        let watches = info
            .lines()
            .filter_map(|line| line.strip_prefix("tfd:"))
            .any(|line| line.split_whitespace().next() == Some(fd.to_string().as_str()));
        if watches {
            return duplicate_number(candidate);
        }
    }
    Err(io::Error::new(io::ErrorKind::NotFound, "the kernel does not name the epoll descriptor"))
}

/// How many bytes that were written to a socket its peer has not received yet (`SIOCOUTQ`, tcp(7)).
pub(crate) fn unreceived(socket: BorrowedFd<'_>) -> io::Result<usize> {
    let mut count: libc::c_int = 0;
    // SAFETY: the request writes one integer, for which there is room.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::TIOCOUTQ, &raw mut count) };
    if result == 0 { Ok(usize::try_from(count).unwrap_or(0)) } else { Err(io::Error::last_os_error()) }
}

/// Whether a number is that of an open descriptor.
pub(crate) fn is_open(fd: libc::c_int) -> bool {
    // SAFETY: asks for flags; takes no memory and changes nothing.
    unsafe { libc::fcntl(fd, libc::F_GETFD) != -1 }
}

/// The soft limit of open files after raising it to the hard limit.
///
/// A shell's usual soft limit of 1,024 protects programs that use `select(2)`; a server needs the rest.
pub(crate) fn raise_open_files() -> usize {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is a valid rlimit to write to.
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) } != 0 {
        return 1024;
    }
    if limit.rlim_cur < limit.rlim_max {
        let raised = libc::rlimit { rlim_cur: limit.rlim_max, rlim_max: limit.rlim_max };
        // SAFETY: `raised` is a valid rlimit to read from.
        if unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const raised) } == 0 {
            limit.rlim_cur = limit.rlim_max;
        }
    }
    usize::try_from(limit.rlim_cur).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    #[test]
    fn a_timer_of_no_time_fires() {
        let timer = timerfd().unwrap();
        assert!(!poll(timer.as_raw_fd(), libc::POLLIN, Duration::from_millis(1)));
        set_timerfd(timer.as_raw_fd(), Duration::ZERO);
        assert!(poll(timer.as_raw_fd(), libc::POLLIN, Duration::from_secs(5)));
    }

    #[test]
    fn a_duplicate_takes_the_number_asked_for_or_a_higher_one() {
        let fd = eventfd().unwrap();
        let high = duplicate_from(fd.as_fd(), 700).unwrap();
        assert!(high.as_raw_fd() >= 700);
    }

    #[test]
    fn accept_reports_the_peer() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let listener = std::net::TcpListener::bind(address).unwrap();
            let client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let (_fd, peer) = accept(listener.as_fd()).unwrap();
            assert_eq!(peer, Some(client.local_addr().unwrap()));
        }
    }
}
