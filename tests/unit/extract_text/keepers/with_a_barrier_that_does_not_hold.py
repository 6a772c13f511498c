"""The process that forks for readers, with a filter that lets everything through."""

from readers import keeper, seccomp

if __name__ == "__main__":
    seccomp.allow_reading_calls_only = lambda: None
    keeper.main()
