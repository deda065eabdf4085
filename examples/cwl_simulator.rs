//! The simulator of the tests as a program of its own, for `./x prove 3`. Prints its port, and serves until it is ended.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

#[path = "../tests/it/simulator/mod.rs"]
mod simulator;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    println!("{}", simulator::start(&args));
    loop {
        std::thread::park();
    }
}
