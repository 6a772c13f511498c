#!/bin/sh
# Writes each locked list from its .in file: `sh requirements/lock.sh UV`. No index and no path is written into them.
set -eu
cd "$(dirname "$0")/.."
uv=$1

lock() {
    folder=$1 name=$2
    shift 2
    echo "locking $folder/$name.txt"
    "$uv" pip compile --quiet --no-header --no-emit-index-url --generate-hashes --python-version 3.13 \
        "$@" "$folder/$name.in" --output-file "$folder/$name.txt"
}

for name in uv sam emulator checkov contract project; do
    lock requirements $name --universal
done
# Mutants meet the libraries that the tests run on.
lock requirements mutants --universal --constraint requirements/project.txt
for name in pypdfloader markitdown; do
    lock benchmarks/requirements $name --universal
done
# What is shipped is what the tests ran on, resolved for the one system that runs it.
shipped() {
    folder=$1
    shift
    lock "$folder" requirements --python-platform x86_64-manylinux_2_28 --constraint requirements/project.txt "$@"
}
shipped layers/core
shipped functions/authorize
shipped functions/extract_text
# 23 MB that only langsmith's uploads of traces would load.
shipped functions/chunk_text --no-emit-package zstandard
