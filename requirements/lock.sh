#!/bin/sh
# Compile the locks: exact versions with the hashes of their files, no index's address.
set -eu
cd "$(dirname "$0")/.."
uv="${UV:-.venv/bin/uv}"
compile() {
    "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" "$@"
}
compile pyproject.toml requirements/dev.in --all-extras --output-file requirements/dev.txt
compile requirements/readers.in --output-file requirements/readers.txt
compile requirements/mlflow.in --output-file requirements/mlflow.txt
compile pyproject.toml requirements/neighbours.in --extra lab --output-file requirements/neighbours.txt
compile requirements/validators.in --output-file requirements/validators.txt
compile requirements/uv.in --constraints requirements/dev.txt --output-file requirements/uv.txt
# Environments of other Pythons, of their time: `# newest: DATE` leaves out what came later.
for wanted in requirements/kernels/*.in; do
    name="$(basename "$wanted" .in)"
    newest="$(sed -n 's/^# newest: //p' "$wanted")"
    "$uv" pip compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links \
        --custom-compile-command "make lock" --python-platform linux \
        --python-version "$(case "$name" in formats | torch) echo 3.11 ;; *) echo "$name" ;; esac)" \
        ${newest:+--exclude-newer "$newest"} --output-file "requirements/kernels/$name.txt" "$wanted"
done
