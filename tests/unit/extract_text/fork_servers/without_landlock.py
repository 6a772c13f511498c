"""The process that forks for readers, as on a kernel that has no Landlock."""

from readers import fork_server, landlock

if __name__ == "__main__":
    landlock.version = lambda: 0
    fork_server.main()
