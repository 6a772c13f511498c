"""The process that forks for readers, with a filter that lets everything through."""

from readers import fork_server, seccomp

if __name__ == "__main__":
    seccomp.allow_reading_calls_only = lambda: None
    fork_server.main()
