"""The inner wall, the same within every outer one: the confined process gives up what it could still do to others.

It is sent into the sandbox as source, so it knows the standard library only, and it works on Linux on x86-64. Three
steps that nothing undoes: resource limits, no capability, and a system call filter (seccomp-bpf, see `man 2 seccomp`)
under which there is one process, no network, no signal to others and no change of who may read which file. A refused
call fails with EPERM, so the program sees a PermissionError and goes on.
"""

import ctypes
import os
import resource
import struct

ALLOW, KILL, REFUSE, UNKNOWN = 0x7FFF0000, 0x80000000, 0x00050000 | 1, 0x00050000 | 38  # EPERM, ENOSYS
LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16
X86_64, X32 = 0xC000003E, 0x40000000
THREAD = 0x00010000
OPEN_FILES = 32
SET_DEATH_SIGNAL, SET_SECCOMP, FILTER, NO_NEW_PRIVILEGES = 1, 22, 2, 38

CLONE, CLONE3, PRCTL, LIMITS_OF = 56, 435, 157, 302
TO_ITSELF = (62, 234)  # kill, tgkill
REFUSED = (
    57, 58, 59, 322,  # fork, vfork, execve, execveat
    41, 42, 43, 49, 50, 288,  # socket, connect, accept, bind, listen, accept4 (socketpair is harmless)
    101, 310, 311, 312, 434, 438,  # ptrace, process_vm_readv and _writev, kcmp, pidfd_open, pidfd_getfd
    129, 200, 297, 424,  # rt_sigqueueinfo, tkill, rt_tgsigqueueinfo, pidfd_send_signal
    109, 112, 141, 142, 144, 203, 251, 256, 279, 314, 440, 448,  # other processes' groups, priorities and memory
    90, 91, 92, 93, 94, 260, 268, 452,  # chmod and chown in every form: Landlock does not see them
    132, 188, 189, 190, 197, 198, 199, 235, 261, 280,  # times and extended attributes of files
    133, 259, 161, 155, 165, 166, 428, 429, 430, 431, 432, 442,  # mknod, chroot, pivot_root, mounts old and new
    105, 106, 113, 114, 116, 117, 119, 122, 123, 126,  # who one is, and capset
    272, 308, 303, 304, 135, 300,  # unshare, setns, file handles, personality, fanotify
    29, 30, 64, 68, 240, 319, 447,  # memory that no limit counts: System V, queues, memfd
    321, 298, 323, 425, 426, 427, 248, 249, 250,  # bpf, perf, userfaultfd, io_uring, keys
    103, 159, 163, 164, 167, 168, 169, 170, 171, 172, 173, 175, 176, 179, 227, 246, 305, 313, 320,  # the machine
)  # fmt: skip
"""Numbers of system calls on x86-64."""


def guard(memory: int, seconds: int, file: int) -> None:
    """Put the wall up around this process.

    Args:
        memory: bytes of address space.
        seconds: of processor time.
        file: bytes that one file may have.

    Raises:
        OSError: a part of it could not be put up.
    """
    hard = {
        resource.RLIMIT_AS: memory, resource.RLIMIT_CPU: seconds, resource.RLIMIT_FSIZE: file,
        resource.RLIMIT_NOFILE: OPEN_FILES, resource.RLIMIT_CORE: 0,
    }  # fmt: skip
    for key, limit in hard.items():
        resource.setrlimit(key, (limit, limit))
    libc = ctypes.CDLL(None, use_errno=True)
    _done(libc.prctl(SET_DEATH_SIGNAL, 9, 0, 0, 0))  # never outlives who started it
    _done(libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0))
    none = (ctypes.c_uint32 * 6)()
    _done(libc.capset((ctypes.c_uint32 * 2)(0x20080522, 0), none))
    program = ctypes.create_string_buffer(b"".join(_filter(os.getpid())))
    length = (len(program) - 1) // 8
    header = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", length, ctypes.addressof(program)))
    _done(libc.prctl(SET_SECCOMP, FILTER, header, 0, 0))


def _done(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _filter(own: int) -> list[bytes]:
    """The filter's instructions, 8 bytes each; `own` is this process's number."""
    steps = [_step(LOAD, ARCHITECTURE), _step(EQUAL, X86_64, 1, 0), _step(RETURN, KILL)]
    steps += [_step(LOAD, NUMBER), _step(AT_LEAST, X32, 0, 1), _step(RETURN, KILL)]
    steps += [_step(EQUAL, CLONE3, 0, 1), _step(RETURN, UNKNOWN)]  # then the C library takes clone
    for number in REFUSED:
        steps += [_step(EQUAL, number, 0, 1), _step(RETURN, REFUSE)]
    for number in TO_ITSELF:
        steps += _if_first(number, EQUAL, own, allow=True)
    steps += _if_first(LIMITS_OF, EQUAL, 0, allow=True)
    steps += _if_first(CLONE, ANY_BIT, THREAD, allow=True)
    steps += _if_first(PRCTL, EQUAL, SET_DEATH_SIGNAL, allow=False)
    return [*steps, _step(RETURN, ALLOW)]


def _if_first(number: int, test: int, value: int, allow: bool) -> list[bytes]:
    """For one call, look at its first argument: it is allowed (or refused) where the test holds."""
    then, otherwise = (ALLOW, REFUSE) if allow else (REFUSE, ALLOW)
    return [
        _step(EQUAL, number, 0, 4),
        _step(LOAD, FIRST_ARGUMENT),
        _step(test, value, 0, 1),
        _step(RETURN, then),
        _step(RETURN, otherwise),
    ]


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, value)
