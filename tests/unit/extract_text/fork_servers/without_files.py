"""The process that forks for readers, as on a kernel that can neither keep files closed nor have them supervised."""

from readers import fork_server, landlock, seccomp

if __name__ == "__main__":
    landlock.version = lambda: 0
    seccomp.supports_supervision = lambda: False
    fork_server.main()
