//! How the system gives memory to this process.

/// Has the system give small pages of memory, also where it is set up to give large ones to every process. (The allocator asks for none.)
///
/// A large one has 2 MiB. Each is written with zeros first, so a command that moves data in many buffers is slower with them and takes
/// twice the memory; and a server that answers many strangers gives none of them back, since one byte in use keeps all of it.
pub(crate) fn take_small_pages() {
    // A system without large pages has nothing to disable.
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}
