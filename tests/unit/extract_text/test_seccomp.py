"""The filter of system calls on both machines: every call that it does not list is refused."""

import errno
from collections.abc import Sequence

import pytest

from readers import seccomp

X86_64, AARCH64, I386, ARM = 0xC000003E, 0xC00000B7, 0x40000003, 0x40000028
ALLOW, KILL = 0x7FFF0000, 0x80000000
NOT_THERE, NOT_PERMITTED = 0x50000 | errno.ENOSYS, 0x50000 | errno.EPERM
PROCESS = 4711
READ_ONLY, FOR_READING = 0, 0o2000000 | 0o200000
"""The second is O_CLOEXEC with O_DIRECTORY of x86_64, which on aarch64 is O_DIRECT."""

# Numbers on x86_64 and aarch64 (syscall_64.tbl and asm-generic/unistd.h of Linux).
OPENAT, READ, MMAP, KILL_CALL, TGKILL, IOCTL, FCNTL = (
    (257, 56),
    (0, 63),
    (9, 222),
    (62, 129),
    (234, 131),
    (16, 29),
    (72, 25),
)
FORBIDDEN = {
    "socket": (41, 198),
    "socketpair": (53, 199),
    "connect": (42, 203),
    "sendto": (44, 206),
    "sendmsg": (46, 211),
    "io_uring_setup": (425, 425),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424),
    "rt_sigqueueinfo": (129, 138),
    "clone": (56, 220),
    "clone3": (435, 435),
    "execve": (59, 221),
    "execveat": (322, 281),
    "openat2": (437, 437),
    "truncate": (76, 45),
    "unlinkat": (263, 35),
    "mkdirat": (258, 34),
    "renameat2": (316, 276),
    "symlinkat": (266, 36),
    "linkat": (265, 37),
    "fchmodat": (268, 53),
    "mknodat": (259, 33),
    "memfd_create": (319, 279),
    "shmget": (29, 194),
    "mq_open": (240, 180),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "mount": (165, 40),
    "unshare": (272, 97),
    "setns": (308, 268),
    "userfaultfd": (323, 282),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "prctl": (157, 167),
    "seccomp": (317, 277),
    "capset": (126, 91),
    "setuid": (105, 146),
    "setrlimit": (160, 164),
    "prlimit64": (302, 261),
    "setsid": (112, 157),
}
MACHINES = [("x86_64", X86_64, 0), ("aarch64", AARCH64, 1)]


def verdict(machine: str, architecture: int, number: int, arguments: Sequence[int] = ()) -> int:
    """Returns the kernel's verdict on a call, by interpreting the few instructions that filters have."""
    words = [number, architecture, 0, 0]
    for value in (*arguments, 0, 0, 0, 0, 0, 0)[:6]:
        words += [value & 0xFFFFFFFF, value >> 32 & 0xFFFFFFFF]
    program = seccomp.instructions(machine, PROCESS)
    accumulator, place = 0, 0
    while True:
        code, if_true, if_false, operand = program[place]
        place += 1
        match code:
            case 0x20:  # BPF_LD | BPF_W | BPF_ABS
                accumulator = words[operand // 4]
            case 0x54:  # BPF_ALU | BPF_AND | BPF_K
                accumulator &= operand
            case 0x15:  # BPF_JMP | BPF_JEQ | BPF_K
                place += if_true if accumulator == operand else if_false
            case 0x06:  # BPF_RET | BPF_K
                return operand
            case other:
                pytest.fail(f"instruction {other:#x}")


@pytest.mark.parametrize(("machine", "architecture", "column"), MACHINES)
def test_reading_is_allowed(machine: str, architecture: int, column: int) -> None:
    for call in (READ, MMAP):
        assert verdict(machine, architecture, call[column]) == ALLOW
    for flags in (READ_ONLY, FOR_READING):
        assert verdict(machine, architecture, OPENAT[column], (0xFFFFFF9C, 1 << 40, flags)) == ALLOW


@pytest.mark.parametrize(("machine", "architecture", "column"), MACHINES)
@pytest.mark.parametrize("flags", [1, 2, 3, 0o100, 0o1000, 0o20200000, 0o20040000, 1 | 0o100 | 0o1000, 0o2000002])
def test_opening_a_file_for_writing_is_not_permitted(machine: str, architecture: int, column: int, flags: int) -> None:
    assert verdict(machine, architecture, OPENAT[column], (0xFFFFFF9C, 1 << 40, flags)) == NOT_PERMITTED
    assert verdict(machine, architecture, OPENAT[column], (0xFFFFFF9C, 1 << 40, flags | 1 << 32)) == NOT_PERMITTED


@pytest.mark.parametrize(("machine", "architecture", "column"), MACHINES)
@pytest.mark.parametrize("call", FORBIDDEN)
def test_calls_that_reading_does_not_need_fail_with_enosys(
    machine: str, architecture: int, column: int, call: str
) -> None:
    assert verdict(machine, architecture, FORBIDDEN[call][column]) == NOT_THERE


@pytest.mark.parametrize(("machine", "architecture"), [machine[:2] for machine in MACHINES])
def test_numbers_of_future_calls_fail_with_enosys(machine: str, architecture: int) -> None:
    assert {verdict(machine, architecture, number) for number in range(440, 1024)} == {NOT_THERE}


@pytest.mark.parametrize(("machine", "architecture", "column"), MACHINES)
def test_a_process_may_send_signals_only_to_itself(machine: str, architecture: int, column: int) -> None:
    for call in (KILL_CALL, TGKILL):
        assert verdict(machine, architecture, call[column], (PROCESS,)) == ALLOW
        for other in (1, 0, PROCESS + 1, (1 << 64) - 1, (1 << 64) - PROCESS):
            assert verdict(machine, architecture, call[column], (other,)) == NOT_PERMITTED


@pytest.mark.parametrize(("machine", "architecture", "column"), MACHINES)
def test_ioctl_and_fcntl_are_allowed_for_the_descriptor_only(machine: str, architecture: int, column: int) -> None:
    set_owner, set_flags, push_input, terminal = 8, 4, 0x5412, 0x5401
    assert verdict(machine, architecture, IOCTL[column], (3, terminal)) == ALLOW
    assert verdict(machine, architecture, IOCTL[column], (3, push_input)) == NOT_PERMITTED
    for command in (set_owner, set_flags):
        assert verdict(machine, architecture, FCNTL[column], (3, command)) == NOT_PERMITTED


@pytest.mark.parametrize(
    ("machine", "architecture"), [("x86_64", I386), ("x86_64", AARCH64), ("aarch64", ARM), ("aarch64", X86_64)]
)
def test_a_call_of_another_architecture_ends_the_process(machine: str, architecture: int) -> None:
    assert {verdict(machine, architecture, number) for number in range(512)} == {KILL}


def test_calls_of_x32_fail_with_enosys() -> None:
    assert {verdict("x86_64", X86_64, 0x40000000 | number) for number in range(1024)} == {NOT_THERE}
