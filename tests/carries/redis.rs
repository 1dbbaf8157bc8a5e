//! `redis-server`: a long-lived process that four clients talk to at once, and that forks to save.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::data::Numbers;
use crate::run::{On, PATIENCE, Place, Running, one_of, read_from, succeed};

const KINDS: &str = "set,get,incr,lpush,rpush,lpop,rpop,sadd,hset,spop,zadd,zpopmin,lrange_100,mset";

/// Commands whose answers are the same however the server hashes.
fn commands() -> String {
    let mut numbers = Numbers(7);
    let mut text = String::new();
    for command in 0..20_000 {
        let key = numbers.below(2000);
        let value = format!("{:x}", numbers.next()).repeat(usize::try_from(numbers.below(12)).unwrap() + 1);
        match command % 8 {
            0 => writeln!(text, "SET s{key} {value}"),
            1 => writeln!(text, "APPEND s{key} {value}"),
            2 => writeln!(text, "RPUSH l{} {value}", key % 50),
            3 => writeln!(text, "HSET h{} f{key} {value}", key % 20),
            4 => writeln!(text, "ZADD z{} {key} {value}", key % 20),
            5 => writeln!(text, "SETRANGE s{key} {} {value}", key % 3000),
            6 => writeln!(text, "DEL s{}", numbers.below(2000)),
            _ => writeln!(text, "LRANGE l{} 0 5", key % 50),
        }
        .unwrap();
    }
    text.push_str("BGSAVE\n");
    text
}

#[test]
fn redis_serves_four_clients() {
    let place = Place::new();
    let input = place.input().join("commands");
    fs::write(&input, commands()).unwrap();
    let [(plain, _), (preloaded, _)] = place.twice(|on, here| serve(on, here, &input));
    assert_eq!(plain, preloaded);
}

/// What the server answered: to the commands, and the digests of its data before and after it has read them back.
fn serve(on: On, here: &Path, input: &Path) -> Vec<String> {
    let mut server = Command::new(one_of(&["redis-server", "valkey-server"]));
    server.current_dir(here).args(["--port", "0", "--unixsocket", "socket", "--save", "", "--appendonly", "no"]);
    server.args(["--enable-debug-command", "local"]).stdin(Stdio::null());
    server.stdout(File::create(here.join("log")).unwrap()).stderr(File::create(here.join("errors")).unwrap());
    let mut running = Running::start(on, &mut server);
    let start = Instant::now();
    while ask(on, here, &["PING"]) != "PONG\n" {
        assert!(running.ended().is_none() && start.elapsed() < PATIENCE, "the server does not answer: see {here:?}");
        thread::sleep(Duration::from_millis(50));
    }
    assert!(running.ended().is_none());
    assert_eq!(running.seen, on == On::Preloaded, "whether the server has loaded the library");

    let mut benchmark = Command::new(one_of(&["redis-benchmark", "valkey-benchmark"]));
    benchmark.current_dir(here).args(["-s", "socket", "-c", "4", "-n", "10000", "-r", "5000", "-P", "4", "-d", "200"]);
    let report = succeed(on, benchmark.args(["--csv", "-t", KINDS])).text();
    assert!(report.lines().count() > KINDS.split(',').count(), "{report}");

    ask(on, here, &["FLUSHALL"]);
    let answers = read_from(on, client(here).arg("--no-raw"), input).text();
    let mut results = vec![answers, saved(on, here)];
    for command in [&["DEBUG", "DIGEST"], &["DEBUG", "RELOAD"], &["DEBUG", "DIGEST"], &["MEMORY", "PURGE"]] {
        results.push(ask(on, here, command));
    }
    results.push(ask(on, here, &["DBSIZE"]));
    let digests: Vec<_> = results.iter().filter(|answer| answer.len() == 41).collect();
    assert!(digests.len() == 2 && digests[0] == digests[1], "before and after reading back: {results:?}");
    let status = running.terminate(&server);
    results.push(status.to_string());
    results
}

/// How the saving in the background went, when it has ended.
fn saved(on: On, here: &Path) -> String {
    let start = Instant::now();
    loop {
        let info = ask(on, here, &["INFO", "persistence"]);
        if info.contains("rdb_bgsave_in_progress:0") {
            let status = info.lines().find(|line| line.starts_with("rdb_last_bgsave_status:"));
            assert_eq!(status, Some("rdb_last_bgsave_status:ok"), "{info}");
            assert!(here.join("dump.rdb").is_file());
            return "saved".to_owned();
        }
        assert!(start.elapsed() < PATIENCE, "{info}");
        thread::sleep(Duration::from_millis(50));
    }
}

fn client(here: &Path) -> Command {
    let mut client = Command::new(one_of(&["redis-cli", "valkey-cli"]));
    client.current_dir(here).args(["-s", "socket"]);
    client
}

fn ask(on: On, here: &Path, command: &[&str]) -> String {
    crate::run::run(on, client(here).args(command)).text()
}
