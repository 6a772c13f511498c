"""The process that forks for readers, on a kernel that has filters and refuses to set one."""

from typing import NoReturn

from readers import fork_server, seccomp


def refuse() -> NoReturn:
    raise OSError(22, "Invalid argument")


if __name__ == "__main__":
    seccomp.allow_reading_calls_only = refuse
    fork_server.main()
