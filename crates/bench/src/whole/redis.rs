//! A server under the allocator, and a client without it that says how long the requests took.

use super::preload::{Allocator, Cost, run, wait};
use crate::Failure;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const REQUESTS: [&str; 14] = [
    "-q",
    "-n",
    "30000",
    "-c",
    "4",
    "-P",
    "8",
    "-r",
    "100000",
    "-d",
    "100",
    "-t",
    "set,get,lpush,rpop,sadd,hset,spop",
    "-h",
];

/// The time of the requests, and the server's peak memory.
pub fn serve(folder: &Path, allocator: &Allocator) -> Result<Cost, Failure> {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    let mut command = Command::new("redis-server");
    let port_text = port.to_string();
    command.args([
        "--bind",
        "127.0.0.1",
        "--port",
        &port_text,
        "--save",
        "",
        "--appendonly",
        "no",
        "--daemonize",
        "no",
    ]);
    allocator.serve(command.current_dir(folder).stdout(Stdio::null()).stdin(Stdio::null()));
    if allocator.library.is_none() {
        // Distributions link it with jemalloc: named first, the C library answers.
        command.env("LD_PRELOAD", "libc.so.6");
    }
    let die = || {
        // SAFETY: plain numbers. If this program is killed, no server is left behind.
        unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
        Ok(())
    };
    // SAFETY: the closure only makes a system call.
    let server = unsafe { command.pre_exec(die) }.spawn()?;
    let asked = requests(port, &port_text);
    // A server that hangs does not end when asked.
    end(&server, if asked.is_ok() { libc::SIGTERM } else { libc::SIGKILL });
    let peak = wait(&server);
    let wall = asked.map_err(|error| format!("the client of redis-server: {error}"))?;
    Ok(Cost { wall, peak: peak.map_err(|error| format!("redis-server {error}"))? })
}

fn requests(port: u16, port_text: &str) -> Result<Duration, Failure> {
    let start = Instant::now();
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
        if start.elapsed() > Duration::from_secs(20) {
            return Err("redis-server does not listen after 20 seconds".into());
        }
        thread::sleep(Duration::from_millis(10));
    }
    let mut client = Command::new("redis-benchmark");
    client.args(REQUESTS).args(["127.0.0.1", "-p", port_text]).stdout(Stdio::null());
    Ok(run(&mut client)?.wall)
}

/// Ends the server; what it holds is not written anywhere.
fn end(server: &Child, signal: libc::c_int) {
    if let Ok(id) = libc::pid_t::try_from(server.id()) {
        // SAFETY: a child of ours that has not been waited for, so the number is still its own.
        unsafe { libc::kill(id, signal) };
    }
}
