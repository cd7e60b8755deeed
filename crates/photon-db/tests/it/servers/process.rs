//! A server as a process.

use std::io::Write;
use std::path::Path;
use std::process::Child;

use crate::guard;

/// Starts the server that the arguments name and passes one signal on. When the pipe closes, that is another one.
///
/// A server that is killed leaves children, which would notice a little later.
const SERVER: &str = r#"
log=$1
at_end=$2
shift 2
"$@" </dev/null >>"$log" 2>&1 &
server=$!
read -r signal || signal=$at_end
children=
if [ "$signal" = KILL ]; then
    children=$(cat "/proc/$server/task/$server/children")
fi
kill -s "$signal" $server $children
wait $server
for child in $children; do
    tries=0
    while kill -0 "$child" 2>/dev/null && [ "$tries" -lt 200 ]; do
        tries=$((tries + 1))
        sleep 0.01
    done
done
"#;

/// A server that runs. It ends with this process at the latest.
pub(super) struct Process {
    shell: Child,
}

impl Process {
    /// Starts a server that writes to a log and gets a signal when this process ends.
    pub(super) fn start(log: &Path, at_end: &str, words: &[String]) -> Self {
        let mut arguments = vec![log.to_str().unwrap().to_owned(), at_end.to_owned()];
        arguments.extend_from_slice(words);
        Self { shell: guard::shell(SERVER, &arguments) }
    }

    /// Sends a signal that ends the server, and waits until it has.
    pub(super) fn end(mut self, signal: &str) {
        let mut pipe = self.shell.stdin.take().unwrap();
        writeln!(pipe, "{signal}").unwrap();
        drop(pipe);
        self.shell.wait().unwrap();
    }
}
