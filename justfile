# Shows what there is.
default:
    @just --list

# Serves the API; arguments are for `prediction-api` (`just run --help`).
run *arguments:
    cargo run --locked -- {{arguments}}

# Checks everything, as CI does; with arguments only runs the tests they select.
test *arguments:
    ./scripts/test {{arguments}}

# Measures the checking engine and token verification alone.
bench-code *arguments:
    cargo bench --locked -p prediction-domain -p prediction-http {{arguments}}

# Measures the service beside its database; `just bench --quick` takes some five minutes (docs/performance.md).
bench *arguments:
    ./scripts/bench {{arguments}}

# Checks what happens when something fails; `just faults --only CASE` some of it (docs/reliability.md).
faults *arguments:
    ./scripts/faults {{arguments}}

# Tries the configurations of examples/deploy (examples/deploy/README.md).
deploy-examples *arguments:
    ./scripts/deploy-examples {{arguments}}

# Looks for lints, which CI does not let pass.
lint:
    cargo clippy --workspace --all-targets --locked -- -D warnings

# Formats the code.
fmt:
    cargo fmt --all

# Brings the database up to date without serving.
migrate *arguments:
    cargo run --locked -- migrate {{arguments}}

# Writes the OpenAPI document, which is committed and has to match the code.
openapi:
    cargo run --locked -- openapi > docs/openapi.json

# Mints a token of the local identity (`just token --help`).
token *arguments:
    cargo run --locked -- token {{arguments}}

# Builds the documentation of the code, and opens it.
doc:
    cargo doc --workspace --no-deps --locked --open
