//! A real process: its exit codes, its sentence on standard error, its signals. Runs `examples/greeter.rs`.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

fn greeter(arguments: &[&str]) -> Command {
    let test = std::env::current_exe().expect("this test runs from a file");
    let target: PathBuf = test
        .ancestors()
        .nth(2)
        .expect("target/debug/deps/process")
        .into();
    let program = target.join("examples").join("greeter");
    assert!(
        program.exists(),
        "{} is not built: cargo build -p runtime --examples",
        program.display()
    );
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

struct Running(Child);

impl Running {
    /// Starts it and waits for its greeting.
    fn start(arguments: &[&str]) -> Self {
        let mut running = Self(greeter(arguments).spawn().expect("it starts"));
        let mut line = String::new();
        let stdout = running.0.stdout.take().expect("it is piped");
        BufReader::new(stdout)
            .read_line(&mut line)
            .expect("it greets");
        assert_eq!(line, "hello world\n");
        running
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.0.id()).expect("a process id");
        kill(Pid::from_raw(pid), signal).expect("it runs");
    }

    /// Reads its log until a line says this.
    fn wait_for(&mut self, part: &str) {
        let stderr = self.0.stderr.as_mut().expect("it is piped");
        let said = BufReader::with_capacity(1, stderr)
            .lines()
            .map_while(Result::ok)
            .any(|line| line.contains(part));
        assert!(said, "it ended without saying {part}");
    }

    fn end(mut self) -> (ExitStatus, String) {
        let mut rest = String::new();
        self.0
            .stderr
            .take()
            .expect("it is piped")
            .read_to_string(&mut rest)
            .expect("it writes text");
        (self.0.wait().expect("it ends"), rest)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Already ended in all but failing tests.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn run(arguments: &[&str]) -> (Option<i32>, String) {
    let output = greeter(arguments).output().expect("it runs");
    (
        output.status.code(),
        String::from_utf8(output.stderr).expect("it writes text"),
    )
}

#[test]
fn wrong_usage_ends_with_64_and_one_sentence() {
    let (code, said) = run(&["--set", "telemetry.slow_ms=soon"]);
    assert_eq!(code, Some(64));
    let sentence = "error: wrong value for `telemetry.slow_ms` (flag --set telemetry.slow_ms): `soon` is not a \
                    whole number from 0 to 18446744073709551615\n";
    assert_eq!(said, sentence);
    assert_eq!(run(&["--nmae", "moon"]).0, Some(64));
    assert_eq!(run(&["--config", "not/there.toml"]).0, Some(64));
    assert_eq!(run(&["--help"]).0, Some(0));
}

#[test]
fn a_service_that_fails_ends_with_70_and_its_chain_once() {
    let (code, said) = run(&["--name", "nobody", "--set", "telemetry.log=error"]);
    assert_eq!(
        (code, said.as_str()),
        (Some(70), "error: greeter: nobody came\n")
    );
}

#[test]
fn a_signal_ends_it_in_order() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let running = Running::start(&[]);
        running.signal(signal);
        let (status, said) = running.end();
        assert_eq!(status.code(), Some(0), "{said}");
    }
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let mut running = Running::start(&["--set", "greeter.polite=false"]);
    running.signal(Signal::SIGTERM);
    running.wait_for("a second signal ends at once");
    running.signal(Signal::SIGTERM);
    let (status, said) = running.end();
    assert_eq!(status.code(), Some(128 + 15), "{said}");
}

#[test]
fn one_that_does_not_stop_is_left_behind_after_the_grace_period() {
    let running = Running::start(&[
        "--set",
        "greeter.polite=false",
        "--set",
        "process.grace=1ms",
    ]);
    running.signal(Signal::SIGTERM);
    let (status, said) = running.end();
    assert_eq!(status.code(), Some(70));
    assert!(
        said.ends_with("error: greeter: not finished 1ms after the shutdown began\n"),
        "{said}"
    );
}
