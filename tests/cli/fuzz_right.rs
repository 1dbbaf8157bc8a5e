//! Right allocators that read the contract's open points otherwise: `osmem fuzz --profile core` blames none of them, and strict blames them.

use std::path::PathBuf;

use osmem_oracle::params::Params;
use osmem_oracle::program::{Op, Pointer};
use osmem_oracle::valid::misuses;
use serde_json::Value;

use crate::bench::{Bench, osmem, output};
use crate::fuzz::{fuzz, record};

/// An allocator that is right, with other readings: each a macro of `open_points.c` with its value.
fn other(bench: &Bench, readings: &str) -> PathBuf {
    let defines = readings.split_whitespace().filter_map(|reading| reading.split_once('='));
    let defines: String = defines.map(|(name, value)| format!("#define {name} {value}\n")).collect();
    let source = format!("#include <stdbool.h>\n#include <stdint.h>\n{defines}{}", include_str!("open_points.c"));
    bench.library("libosmem.so", &source)
}

/// Each reads some points otherwise; those that change from call to call are the last of their point.
const OTHERS: [&str; 31] = [
    "HEAD=8",
    "HEAD=24",
    "HEAD=48",
    "HEAD=256",
    "O1_MALLOC=1 O1_REALLOC=2",
    "O1_MALLOC=3 O1_MOVING=1",
    "O1_REALLOC=5 O1_MOVING=1",
    "O1_MALLOC=4 O1_REALLOC=1 O2=1",
    "O1_MALLOC=5 O1_REALLOC=5 O2=2",
    "O3=1",
    "O3=2",
    "O3=3",
    "O3=4",
    "O3=5",
    "O3=5 O4=1",
    "O3=6",
    "O4=1",
    "O4=2",
    "O5=1",
    "O5=2",
    "O5=3",
    "O6=1",
    "O6=2",
    "O6=3",
    "O6=4",
    "O8=MAP_NORESERVE",
    "O8=MAP_POPULATE",
    "O8=MAP_STACK",
    "O11=1",
    "O3=6 O4=1 O5=3 O6=4 HEAD=24 O1_REALLOC=5 O8=MAP_POPULATE",
    "O3=6 O4=2 O5=3 O6=4 HEAD=48 O1_MALLOC=2 O1_MOVING=1 O2=2",
];

#[test]
fn core_blames_no_reading_of_an_open_point() {
    for readings in OTHERS {
        let bench = Bench::empty();
        let library = other(&bench, readings);
        for seed in ["1", "2"] {
            let arguments = ["--profile", "core", "--seed", seed, "--runs", "50", "--timeout", "20"];
            let (code, record) = record(&mut fuzz(&bench, &library, &arguments));
            assert_eq!((code, &record["finding"]), (Some(0), &Value::Null), "{readings}, seed {seed}: {record}");
            assert_eq!(record["calls"], 50 * 250, "{readings}");
        }
    }
}

/// What shows a reading, with the script that shows it.
const SHOWN: [(&str, &str); 19] = [
    ("O1_MALLOC=1", "b1 = malloc 131033"),
    ("O1_MALLOC=2", "b1 = malloc 131040"),
    ("O1_MALLOC=3", "b1 = malloc 131064"),
    ("O1_MALLOC=4", "b1 = malloc 131071"),
    ("O1_MALLOC=5", "b1 = malloc 131072"),
    ("O1_REALLOC=1", "b1 = malloc 8; b2 = malloc 8; b1 = realloc b1 131033"),
    ("O1_REALLOC=5", "b1 = malloc 131000; b2 = malloc 8; b1 = realloc b1 131040"),
    ("O2=1", "b1 = calloc 1 4063"),
    ("O2=2", "b1 = calloc 1 4064"),
    ("O3=2", "b1 = malloc 131032; b1 = realloc b1 200000"),
    ("O3=3", "b1 = malloc 1000; b1 = realloc b1 200000"),
    ("O3=4", "b1 = malloc 131000; b2 = malloc 5000; b3 = malloc 8; free b2; b1 = realloc b1 132000"),
    ("O3=5 O4=1", "b1 = malloc 1000; b1 = realloc b1 200000"),
    (
        "O4=1",
        "b1 = malloc 100000; b2 = malloc 31000; b3 = malloc 60000; b4 = malloc 20000; free b1; free b4; b3 = realloc b3 95000",
    ),
    (
        "O4=2",
        "b1 = malloc 100000; b2 = malloc 31000; b3 = malloc 60000; b4 = malloc 20000; free b4; b3 = realloc b3 95000",
    ),
    ("O5=1", "b1 = malloc 200000; b1 = realloc b1 200000"),
    ("O5=2", "b1 = calloc 1 5000; b1 = realloc b1 6000"),
    ("O6=1", MERGED),
    ("O6=2", MERGED),
];

/// The first free neighbour leaves less than a block, both together leave more.
const MERGED: &str = "b1 = malloc 1000; b2 = malloc 104; b3 = malloc 1000; b4 = malloc 8; free b3; free b2; b1 = realloc b1 1128; b5 = malloc 976";

#[test]
fn strict_blames_what_core_leaves_open() {
    for (readings, script) in SHOWN {
        let bench = Bench::empty();
        let library = other(&bench, readings);
        let script = bench.write("script.osmem", &format!("{}\n", script.replace("; ", "\n")));
        for (profile, expected) in [("core", 0), ("strict", 1)] {
            let mut replay = osmem(&["replay", "--profile", profile, "--lib"]);
            let (code, stdout, stderr) = output(replay.arg(&library).arg(&script));
            assert_eq!(code, Some(expected), "{readings}, {profile}: {stdout}{stderr}");
        }
    }
}

/// The blocks of this allocator are found by their headers, so that each misuse does harm.
#[test]
fn what_core_finds_is_valid() {
    let mistakes = [
        ("while (status_of(b) == FREE && next_is_free(b))\n            absorb(b);", "(void)b;"),
        ("size_of(b) < size_of(best)", "size_of(b) > size_of(best)"),
        ("set((block *)end_of(b), rest - HEAD, FREE);", "set((block *)end_of(b), rest, FREE);"),
        ("memcpy(new, payload(b), n < size_of(b) ? n : size_of(b));", "memcpy(new, payload(b), 8);"),
    ];
    for (old, new) in mistakes {
        let bench = Bench::empty();
        let source = include_str!("open_points.c");
        assert_eq!(source.matches(old).count(), 1, "{old}");
        let source = format!("#include <stdbool.h>\n#include <stdint.h>\n{}", source.replace(old, new));
        let library = bench.library("libosmem.so", &source);
        for seed in ["1", "2", "3"] {
            let arguments = ["--profile", "core", "--seed", seed, "--runs", "200", "--timeout", "2"];
            let (code, record) = record(&mut fuzz(&bench, &library, &arguments));
            assert_eq!(code, Some(1), "{new}: {record}");
            let script = record["finding"]["script"].as_str().unwrap();
            assert_eq!(misuses(&ops(script), Params::CONTRACT), 0, "{new}, seed {seed}:\n{script}");
        }
    }
}

/// The calls of a script.
fn ops(script: &str) -> Vec<Op> {
    let slot = |name: &str| name.strip_prefix('b').unwrap().parse::<u32>().unwrap();
    let pointer = |name: &str| if name == "NULL" { Pointer::Null } else { Pointer::block(slot(name)) };
    let number = |text: &str| text.parse::<u64>().unwrap();
    let op = |line: &str| match line.split_whitespace().collect::<Vec<_>>()[..] {
        [to, "=", "malloc", size] => Op::Malloc { slot: slot(to), size: number(size) },
        [to, "=", "calloc", nmemb, size] => Op::Calloc { slot: slot(to), nmemb: number(nmemb), size: number(size) },
        [to, "=", "realloc", from, size] => Op::Realloc { slot: slot(to), pointer: pointer(from), size: number(size) },
        // It gives NULL, which no slot takes.
        ["realloc", from, size] => Op::Realloc { slot: slot(from), pointer: pointer(from), size: number(size) },
        ["free", from] => Op::Free { pointer: pointer(from) },
        _ => panic!("{line}"),
    };
    script.lines().map(op).collect()
}
